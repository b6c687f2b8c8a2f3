/**
 * The gRPC port. It is open at once; the gRPC library, which takes its time to load, follows with the first connection, or
 * when the rest of the server has been answering for a while. Connections that come before wait for it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { AppError } from '../protocol/errors.ts';
import type { GrpcOptions } from './options.ts';
import type { GrpcService } from './service.ts';

export interface GrpcListener {
  readonly port: number;
  /** Connections are answered from here on. */
  serve(): void;
  /** Begins to load what answers, unless a connection has done so; does not wait for it. */
  load(): void;
  /** Closes the port, lets calls on their way end, and closes what is left after `graceMs`. May be called twice. */
  stop(graceMs: number): Promise<void>;
}

/** Rejects with a sentence that names the keys where the port cannot be opened. */
export async function listenGrpc(options: GrpcOptions): Promise<GrpcListener> {
  const { limits, metrics, logger } = options;
  const sockets = new Set<Socket>();
  let early: Socket[] = [];
  let service: GrpcService | null = null;
  let isServing = false;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A connection that breaks is the client's loss; the library reports what it means for a call.
    socket.on('error', () => {});
    if (service !== null) {
      service.take(socket);
      return;
    }
    early.push(socket);
    if (isServing) load();
  });
  server.maxConnections = limits.maxConnections;
  server.on('drop', () => metrics.limitReached('grpc.maxConnections'));
  const port = await listen(server, options);

  let loading: Promise<void> | null = null;
  const load = (): void => {
    loading ??= createService(options).then(
      (loaded) => {
        service = loaded;
        for (const socket of early) if (!socket.destroyed) loaded.take(socket);
        early = [];
      },
      (err: unknown) => {
        logger.error({ err }, 'gRPC could not be started; its port is closed');
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    );
  };
  const serve = (): void => {
    isServing = true;
    if (early.length > 0) load();
  };
  const stop = async (graceMs: number): Promise<void> => {
    await loading;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    service?.stop();
    // Who was never served has nothing to end.
    if (service === null) for (const socket of sockets) socket.destroy();
    const cancel = options.clock.after(graceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    await closed;
    cancel();
  };
  return { port, serve, load, stop };
}

async function createService(options: GrpcOptions): Promise<GrpcService> {
  const { createGrpcService } = await import('./service.ts');
  return createGrpcService(options);
}

function listen(server: Server, { host, port }: GrpcOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(host, port, cause)));
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function cannotListen(host: string, port: number, cause: Error & { code?: string }): AppError {
  const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  return new AppError(
    'UNAVAILABLE',
    `gRPC cannot listen on ${host} port ${port}: ${reason}. Set grpc.port (GRPC_PORT) to another one, or grpc.enabled: false`,
    { cause },
  );
}
