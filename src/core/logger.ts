/** The port through which every layer writes log lines; pino fills it in. */

export interface LogMethod {
  /** `fields` are facts for machines (`taskId`, `err`, ...); `message` is one sentence without variable parts. */
  (fields: object, message?: string): void;
  (message: string): void;
}

/** Never throws into its caller. Request and response bodies are not to be passed to it. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds `bindings` (for example `{ requestId }`, `{ taskId, agentId }`) to each of its lines. */
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

/** Writes nothing: for tests and for tools that have no log. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
