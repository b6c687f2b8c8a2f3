/** A real Redis for tests, one of its own for who asks. It keeps nothing: after `kill` and `start` it is empty. */
import { findBinary } from '../../scripts/replica-set/binaries.mjs';
import { redisServer } from '../../scripts/replica-set/side-servers.mjs';
import { skippedBecause } from './missing-service.ts';
import { type OwnServer, startOwnServer } from './own-server.ts';

const binary = findBinary('redis-server');

/** Why there is none; hand it to `describe.skipIf`. */
export const redisSkipped =
  binary === undefined ? skippedBecause('REDIS TESTS', 'there is no redis-server on this machine') : undefined;

export async function startRedis(): Promise<OwnServer> {
  if (binary === undefined) throw new Error(redisSkipped);
  return startOwnServer('redis', binary, redisServer);
}
