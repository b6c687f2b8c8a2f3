/** Opens a listener, or says which key of the configuration would help. */
import type { FastifyInstance } from 'fastify';
import { AppError } from '../protocol/errors.ts';

export interface ListenAt {
  readonly host: string;
  readonly port: number;
  /** The subject of the sentence, and the key of the port as a person sets it. */
  readonly what: string;
  readonly key: string;
}

export async function listen(app: FastifyInstance, { host, port, what, key }: ListenAt): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    const reason = isTaken ? 'the port is in use' : String(cause);
    throw new AppError('UNAVAILABLE', `${what} cannot listen on ${host} port ${port}: ${reason}. Set ${key}`, {
      cause,
    });
  }
}

export const apiAt = ({ host, port }: { host: string; port: number }): ListenAt => ({
  host,
  port,
  what: 'The API',
  key: 'server.port (PORT) to another one',
});

export const metricsAt = ({ metricsHost, metricsPort }: { metricsHost: string; metricsPort: number }): ListenAt => ({
  host: metricsHost,
  port: metricsPort,
  what: 'Metrics',
  key: 'ops.metricsPort (METRICS_PORT) to another one',
});
