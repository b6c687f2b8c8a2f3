/** A request's logger that is only made when the request has something to say: most have not. */
import type { FastifyBaseLogger } from 'fastify';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type Level = (typeof LEVELS)[number];

export function lazyLogger(parent: FastifyBaseLogger, requestId: string): FastifyBaseLogger {
  let own: FastifyBaseLogger | null = null;
  const made = (): FastifyBaseLogger => (own ??= parent.child({ requestId }));
  const log =
    (level: Level) =>
    (...args: unknown[]): void => {
      if (parent.level === 'silent') return;
      Reflect.apply(made()[level], made(), args);
    };
  return {
    fatal: log('fatal'),
    error: log('error'),
    warn: log('warn'),
    info: log('info'),
    debug: log('debug'),
    trace: log('trace'),
    silent: log('silent'),
    get level() {
      return parent.level;
    },
    child: (bindings, options) => made().child(bindings, options),
  };
}
