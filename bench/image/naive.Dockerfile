# One stage on oven/bun slim
ARG BUN_VERSION
FROM oven/bun:${BUN_VERSION}-slim
WORKDIR /app
COPY . .
RUN bun install --frozen-lockfile --production
CMD ["src/adapters/bun.ts"]
