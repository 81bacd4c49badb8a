import { z } from "zod";
import { ipVersion } from "../../http/ip-address.ts";
import { defineAction } from "../action.ts";

export const validateIp = defineAction({
  name: "validate_ip",
  description: "Reports whether a text is an IP address, and its version.",
  example: { ip: "192.0.2.1" },
  input: z.strictObject({
    ip: z.string({ error: "IP address required" }).meta({ maxLength: 1_048_576 }),
  }),
  run: ({ ip }) => {
    const version = ipVersion(ip);
    return { ip, valid: version !== null, version };
  },
});
