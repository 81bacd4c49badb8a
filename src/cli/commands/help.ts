import { defaultOf, secretNames, type VariableName, variables } from "../../config/variables.ts";

/** Each variable that the program goes by. */
export function describeVariables(): string {
  const names = Object.keys(variables) as VariableName[];
  return [
    "Environment variables:",
    ...names.flatMap((name) => ["", ...describeVariable(name)]),
  ].join("\n");
}

function describeVariable(name: VariableName): string[] {
  const variable = variables[name];
  const names = secretNames.includes(name) ? `${name}, or a file named by ${name}_FILE` : name;
  return [
    `  ${names}`,
    `    ${plain(variable.description)}`,
    `    Takes ${plain(variable.takes)}. Default: ${plain(defaultOf(variable))}.`,
  ];
}

/** Without what marks code in a document. */
function plain(text: string): string {
  return text.replaceAll("`", "");
}
