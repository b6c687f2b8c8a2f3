/** The configuration of what listens: the API, metrics, gRPC. */
import { z } from 'zod';
import { addressProblem, hostProblem, listenHostProblem, originProblem, publicUrlProblem } from './network.ts';
import { integer, KIB, key, MIB, MINUTE_MS, section, text } from './schema-parts.ts';

export const server = section({
  host: key(
    text(listenHostProblem).default('127.0.0.1'),
    'Address that the API listens on. Anything but a loopback address needs TLS or a stated TLS proxy.',
    { env: 'HOST', allowed: 'an IP address or a host name' },
  ),
  port: key(integer(0, 65535).default(8080), 'Port of the API. 0 takes any free port.', { env: 'PORT' }),
  publicUrl: key(text(publicUrlProblem).optional(), 'Address under which clients reach the API; agent cards name it.', {
    env: 'PUBLIC_URL',
    derivedDefault:
      '`http://<host>:<port>`, with `https` when `server.tls` is set, and `localhost` for a host that stands for all addresses',
    allowed: 'an http or https URL',
  }),
  allowedHosts: key(
    z.array(text(hostProblem)).max(1000).optional(),
    'Host names that a request may be addressed to (its Host header, without the port); anything else is refused.',
    {
      env: 'ALLOWED_HOSTS',
      derivedDefault: '`localhost`, `127.0.0.1`, `[::1]` and the host of `server.publicUrl`',
      allowed: 'a list of host names without ports',
    },
  ),
  corsOrigins: key(
    z.array(text(originProblem)).max(1000).default([]),
    'Origins of web pages that may call the API from a browser.',
    { env: 'CORS_ORIGINS', allowed: 'a list of origins such as https://app.example.com' },
  ),
  trustProxy: key(
    z.boolean().default(false),
    'Take the address of the client from the last entry of `X-Forwarded-For`. Only when one proxy that adds it stands in front.',
    { env: 'TRUST_PROXY' },
  ),
  behindTlsProxy: key(
    z.boolean().default(false),
    'States that a proxy in front ends TLS, so that plain HTTP off loopback is allowed.',
    { env: 'BEHIND_TLS_PROXY' },
  ),
  tls: section({
    certFile: key(text().optional(), 'Certificate chain in PEM; with `keyFile`, the API speaks HTTPS itself.', {
      isPath: true,
      allowed: 'a path',
    }),
    keyFile: key(text().optional(), 'Private key in PEM that belongs to `certFile`.', {
      isPath: true,
      allowed: 'a path',
    }),
  }),
  bodyLimitBytes: key(
    integer(KIB, 1024 * MIB).default(8 * MIB),
    'Largest request body, in bytes; a larger one is refused with 413.',
  ),
  maxJsonDepth: key(
    integer(32, 10_000).default(128),
    'How deep a JSON body may be nested; a deeper one is refused with 400 before it is parsed.',
  ),
  maxJsonValues: key(
    integer(1000, 100_000_000).default(250_000),
    'Most values in one JSON body (an empty object or array counts twice); one with more is refused with 413 before it is parsed.',
  ),
  headerLimitBytes: key(
    integer(4 * KIB, MIB).default(16_384),
    'Largest request head, in bytes; a larger one is refused with 431.',
  ),
  maxConnections: key(integer(1, 1_000_000).default(10_000), 'Connections open at once; more are closed at once.'),
  requestTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(60_000),
    'Time to receive a whole request, in milliseconds.',
  ),
  keepAliveTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(72_000),
    'How long an idle connection is kept, in milliseconds. Longer than that of the proxy in front.',
  ),
  drainDelayMs: key(
    integer(0, 10 * MINUTE_MS).default(0),
    'How long a server that is told to stop goes on as before with `/readyz` at 503, in milliseconds. Behind a balancer: a little more than it takes to notice.',
  ),
  drainMs: key(
    integer(0, 10 * MINUTE_MS).default(10_000),
    'Time to finish at shutdown, in milliseconds, before what is left is cut off at a resumable position.',
  ),
});

export const ops = section({
  metricsPort: key(
    integer(0, 65535).default(3000),
    'Port of `/metrics` and of the health checks. 0 takes any free port.',
    { env: 'METRICS_PORT' },
  ),
  metricsHost: key(text(listenHostProblem).optional(), 'Address that the metrics listen on.', {
    derivedDefault: '`server.host`',
    allowed: 'an IP address or a host name',
  }),
  metricsOnMain: key(z.boolean().default(false), 'Serve `/metrics` on the port of the API too.'),
});

export const grpc = section({
  enabled: key(z.boolean().default(true), 'Serve the gRPC binding, on a port of its own.', { env: 'GRPC_ENABLED' }),
  host: key(
    text(listenHostProblem).optional(),
    'Address that gRPC listens on. Anything but a loopback address needs TLS or a stated TLS proxy.',
    { env: 'GRPC_HOST', derivedDefault: '`server.host`', allowed: 'an IP address or a host name' },
  ),
  port: key(integer(0, 65535).default(50_051), 'Port of gRPC. 0 takes any free port.', { env: 'GRPC_PORT' }),
  publicAddress: key(text(addressProblem).optional(), 'Address under which clients reach gRPC; agent cards name it.', {
    env: 'GRPC_PUBLIC_ADDRESS',
    derivedDefault: 'the host of `server.publicUrl` and `grpc.port`',
    allowed: 'a host and a port, such as agents.example.com:443',
  }),
  tls: section({
    certFile: key(text().optional(), 'Certificate chain in PEM; with `keyFile`, gRPC speaks TLS itself.', {
      isPath: true,
      derivedDefault: '`server.tls.certFile`',
      allowed: 'a path',
    }),
    keyFile: key(text().optional(), 'Private key in PEM that belongs to `certFile`.', {
      isPath: true,
      derivedDefault: '`server.tls.keyFile`',
      allowed: 'a path',
    }),
  }),
  maxConnections: key(
    integer(1, 1_000_000).default(10_000),
    'Connections of gRPC open at once; more are closed at once.',
  ),
  maxConcurrentStreams: key(
    integer(1, 1_000_000).default(1000),
    'Calls at once on one gRPC connection; clients let more wait.',
  ),
  maxPublicCalls: key(
    integer(1, 1_000_000).default(1000),
    'Watches of health and calls of reflection at once, of all connections: they need no authentication.',
  ),
  idleTimeoutMs: key(
    integer(1000, 24 * 60 * MINUTE_MS).default(5 * MINUTE_MS),
    'How long a gRPC connection without a call is kept, in milliseconds.',
  ),
  keepaliveMs: key(
    integer(1000, 24 * 60 * MINUTE_MS).default(MINUTE_MS),
    'A gRPC connection is asked this often whether its client is still there, in milliseconds.',
  ),
  keepaliveTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(20_000),
    'A gRPC connection that does not answer within this time is closed, in milliseconds.',
  ),
  health: key(z.boolean().default(true), 'Serve `grpc.health.v1.Health`, without authentication.'),
  reflection: key(
    z.boolean().default(true),
    'Serve gRPC reflection, by which tools learn the services, without authentication.',
  ),
});

export const stream = section({
  streamPort: key(
    integer(0, 65535).default(8787),
    'Port kept for the WebSocket stream of task events. Accepted because environments set it; nothing listens there yet.',
    { env: 'STREAM_PORT' },
  ),
});
