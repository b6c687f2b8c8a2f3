/** A request's logger that is only made when the request has something to say: most have not. */
import type { FastifyBaseLogger } from 'fastify';

/** For Fastify itself, whose lines at `info` say only what ours say better. */
export function quietLogger(logger: FastifyBaseLogger): FastifyBaseLogger {
  const isChatty = ['trace', 'debug', 'info'].includes(logger.level);
  return isChatty ? logger.child({}, { level: 'warn' }) : logger;
}

type Method = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

class LazyLogger {
  readonly parent: FastifyBaseLogger;
  readonly requestId: string;
  own: FastifyBaseLogger | null = null;

  constructor(parent: FastifyBaseLogger, requestId: string) {
    this.parent = parent;
    this.requestId = requestId;
  }

  get level(): string {
    return this.parent.level;
  }

  made(): FastifyBaseLogger {
    return (this.own ??= this.parent.child({ requestId: this.requestId }));
  }

  child(...args: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.made().child(...args);
  }
}

/** The methods of every level, on the prototype: an instance is then no more than two fields. */
for (const method of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const satisfies Method[]) {
  Object.defineProperty(LazyLogger.prototype, method, {
    value(this: LazyLogger, ...args: unknown[]): void {
      const logger = this.made();
      Reflect.apply(logger[method], logger, args);
    },
  });
}

export function lazyLogger(parent: FastifyBaseLogger, requestId: string): FastifyBaseLogger {
  return new LazyLogger(parent, requestId) as unknown as FastifyBaseLogger;
}
