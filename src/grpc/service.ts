/** The gRPC server itself, which takes connections that somebody else has accepted. Loaded when it is needed. */
import type { Socket } from 'node:net';
import { Server, ServerCredentials, type ServerWritableStream, type UntypedHandleCall } from '@grpc/grpc-js';
import { A2A_SERVICES, a2aMethods } from './a2a.ts';
import { door } from './door.ts';
import { HEALTH_CHECK, HEALTH_SERVICE, Health } from './health.ts';
import type { GrpcOptions } from './options.ts';
import { REFLECTION_PACKAGES, reflectionHandler } from './reflection.ts';

export interface GrpcService {
  take(connection: Socket): void;
  /** Asks clients to go elsewhere; what runs may end. */
  stop(): void;
}

/** Messages stay bytes here: what is wrong with them is told in our words. */
const asBytes = (message: Buffer): Buffer => message;

export function createGrpcService(options: GrpcOptions): GrpcService {
  const { limits, tls } = options;
  const methods = a2aMethods(options);
  // One route per operation, whichever version asks for it.
  const routes = new Map(methods.map(({ path, operation }) => [path, `grpc ${operation}`]));
  const server = new Server({
    interceptors: [door(options, routes)],
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': limits.bodyLimitBytes,
    'grpc.max_concurrent_streams': limits.maxConcurrentStreams,
    'grpc.max_connection_idle_ms': limits.idleTimeoutMs,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
  });
  const offered = A2A_SERVICES.map(({ name }) => name);
  const serve = (path: string, handler: UntypedHandleCall, type: 'serverStream' | 'bidi'): void => {
    server.register(path, handler, asBytes, asBytes, type);
  };
  // An answer of one message is a stream of one: both are written by the same code.
  for (const { path, handler } of methods) serve(path, handler, 'serverStream');

  let health: Health | null = null;
  if (options.health) {
    const served = new Health(options, offered);
    health = served;
    serve(HEALTH_CHECK, (call: ServerWritableStream<Buffer, Buffer>) => served.check(call), 'serverStream');
    serve(
      `/${HEALTH_SERVICE}/Watch`,
      (call: ServerWritableStream<Buffer, Buffer>) => served.watch(call),
      'serverStream',
    );
    offered.push(HEALTH_SERVICE);
  }
  if (options.reflection) {
    const names = REFLECTION_PACKAGES.map((name) => `${name}.ServerReflection`);
    offered.push(...names);
    for (const [index, name] of REFLECTION_PACKAGES.entries()) {
      serve(`/${names[index]}/ServerReflectionInfo`, reflectionHandler(name, offered, options), 'bidi');
    }
  }

  const credentials =
    tls === null
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }], false);
  const injector = server.createConnectionInjector(credentials);
  return {
    take: (connection) => injector.injectConnection(connection),
    stop: () => {
      health?.stop();
      injector.destroy();
    },
  };
}
