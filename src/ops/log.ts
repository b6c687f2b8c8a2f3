/** The logger: JSON lines or a readable form, without secrets, to the normal output and on request to rotated files. */
import { createRequire } from 'node:module';
import { destination as openDestination, type Logger as PinoLogger, pino } from 'pino';
import type * as PinoPretty from 'pino-pretty';
import { createLogFile } from './log-files.ts';
import { maskSecrets, redact, serializeError, serializeReply, serializeRequest } from './log-redaction.ts';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto`: pretty on a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Whether the destination is a terminal: it decides on `auto`, and on colours. */
  readonly isTty: boolean;
  /** Where log files go, besides the destination; absent: none. */
  readonly directory?: string | undefined;
  /** How many rotated files are kept. Default 14. */
  readonly keepDays?: number;
  /** Takes whole lines. Default: the standard output, written synchronously, so that a crash loses no line. */
  readonly destination?: { write(line: string): unknown };
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly clock?: { now(): number };
  /** Texts that are masked wherever they turn up in a line. Ones shorter than 6 characters are not looked for. */
  readonly secrets?: readonly string[];
}

export interface LogHandle {
  /** Satisfies `core`'s Logger, and what Fastify wants as `loggerInstance`. */
  readonly logger: PinoLogger;
  /** Finishes and closes the log files. Lines that come later still go to the destination. May be called twice. */
  readonly close: () => Promise<void>;
}

/**
 * Lines have `time` (ISO 8601, UTC), `level` (`ERROR`, `WARN`, `INFO`, ...), `service`, `msg`, the bindings of the logger
 * (`requestId`, `taskId`, `agentId`) and the logged fields. Fields whose names tell of a secret, and request and response
 * bodies, are redacted wherever they occur; errors are written with their causes and their `detail`. Files are always JSON.
 */
export function createLogger(options: LoggerOptions): LogHandle {
  const clock = options.clock ?? { now: () => Date.now() };
  const file =
    options.directory === undefined
      ? undefined
      : createLogFile({ directory: options.directory, keepDays: options.keepDays ?? 14, clock });
  const output = openOutput(options);
  const secrets = options.secrets ?? [];
  const write = (line: string) => {
    const safe = maskSecrets(line, secrets);
    output.write(safe);
    file?.write(safe);
  };

  const logger = pino(
    {
      level: options.level,
      base: { service: 'parley' },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label.toUpperCase() }), log: redact },
      serializers: { err: serializeError, error: serializeError, req: serializeRequest, res: serializeReply },
    },
    { write },
  );
  // Bindings of a child do not pass the log formatter; children inherit this method.
  const inherited = Object.getPrototypeOf(logger) as PinoLogger;
  Object.assign(logger, {
    child(this: PinoLogger, bindings: object, childOptions?: object) {
      return inherited.child.call(this, redact({ ...bindings }), childOptions);
    },
  });

  return { logger, close: async () => file?.close() };
}

function openOutput({ format, isTty, destination }: LoggerOptions): { write(line: string): unknown } {
  const output = destination ?? openDestination({ dest: 1, sync: true });
  const isPretty = format === 'pretty' || (format === 'auto' && isTty);
  if (!isPretty) return output;
  // Loaded when it is needed only: JSON, as in production, starts faster without it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const prettify = pretty.prettyFactory({
    colorize: isTty && pretty.isColorSupported,
    ignore: 'service',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return { write: (line) => output.write(prettify(line) ?? line) };
}
