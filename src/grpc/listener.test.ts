/** The gRPC port before the library that answers is loaded. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import { systemClock } from '../ops/runtime.ts';
import { listenGrpc } from './listener.ts';
import type { GrpcOptions } from './options.ts';

/** What a listener needs whose library is never loaded. */
const open = () =>
  listenGrpc({
    host: '127.0.0.1',
    port: 0,
    limits: { maxConnections: 10 },
    metrics: { requestDone: () => {}, limitReached: () => {} },
    clock: systemClock,
    logger: silentLogger,
  } as unknown as GrpcOptions);

test('[O11] a stop before anything was loaded closes the port and whoever waits, at once', async () => {
  const listener = await open();
  const socket = connect(listener.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await listener.stop(60_000);
  await closed;
  await expect(once(connect(listener.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await listener.stop(60_000);
});

test('what cannot be loaded closes the port, and the first connection is enough to load it', async () => {
  const listener = await open();
  const early = connect(listener.port, '127.0.0.1');
  await once(early, 'connect');
  // Nothing is answered, or loaded, before the server has started.
  const closed = once(early, 'close');
  expect(await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 100, 'open'))])).toBe('open');
  listener.serve();
  await closed;
  await expect(once(connect(listener.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await listener.stop(1000);
});
