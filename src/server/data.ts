/** The database, brought up to date, and the keys to what is secret in it. */
import { randomBytes } from 'node:crypto';
import { SEALED_COLUMNS } from '../core/secrets/sealed-columns.ts';
import { SigningKeys } from '../core/signing/signing-keys.ts';
import { systemClock as clock } from '../ops/runtime.ts';
import { openStorage } from '../storage/open.ts';
import { type OpenedSealer, openSealer } from '../storage/open-sealer.ts';
import type { Storage } from '../storage/storage.ts';
import type { Ground } from './ground.ts';

export interface Data {
  readonly storage: Storage;
  readonly secrets: OpenedSealer;
  readonly signingKeys: SigningKeys;
}

export async function openData({ config, logger, stops }: Ground): Promise<Data> {
  const storage = await openStorage({ url: config.database.url, pool: config.database.pool, clock, logger });
  stops.push(() => storage.close());
  await storage.lockForServer();
  const migrations = (await storage.migrate()).map(({ version, name }) => `${version} ${name}`);
  if (migrations.length > 0) logger.info({ migrations: migrations.join(', ') }, 'migrations applied');

  const secrets = await openSealer({
    ...config.secrets,
    encryptionKey: config.secrets.encryptionKey,
    needsAllKeys: true,
    dataDir: config.dataDir,
    store: storage.sealedValues,
    columns: SEALED_COLUMNS,
    randomBytes,
    logger,
  });
  const signingKeys = new SigningKeys({ store: storage.signingKeys, sealer: secrets.sealer, clock, logger });
  await signingKeys.start();
  stops.push(() => signingKeys.stop());
  return { storage, secrets, signingKeys };
}
