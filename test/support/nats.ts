/** A real NATS server for tests, one of its own for who asks. */
import { findBinary } from '../../scripts/replica-set/binaries.mjs';
import { natsServer } from '../../scripts/replica-set/side-servers.mjs';
import { skippedBecause } from './missing-service.ts';
import { type OwnServer, startOwnServer } from './own-server.ts';

const binary = findBinary('nats-server');

/** Why there is none; hand it to `describe.skipIf`. */
export const natsSkipped =
  binary === undefined ? skippedBecause('NATS TESTS', 'there is no nats-server on this machine') : undefined;

/** @param args more arguments of `nats-server`. */
export async function startNats(args: readonly string[] = []): Promise<OwnServer> {
  if (binary === undefined) throw new Error(natsSkipped);
  return startOwnServer('nats', binary, (options) => natsServer(options, args));
}
