/** The way of a command to the management API: through the server that runs, or with its routes on the database when none does. */
import { randomBytes } from 'node:crypto';
import Fastify from 'fastify';
import { request } from 'undici';
import type { Config } from '../config/load.ts';
import { isLoopbackHost, listenUrl } from '../config/network.ts';
import { ApiKeyService } from '../core/access/api-keys.ts';
import { ADMIN } from '../core/access/principal.ts';
import { silentLogger } from '../core/logger.ts';
import { PushDeliveries } from '../core/push/push-deliveries.ts';
import { SEALED_COLUMNS } from '../core/secrets/sealed-columns.ts';
import { CardSigner } from '../core/signing/card-signer.ts';
import { SigningKeys } from '../core/signing/signing-keys.ts';
import { registerDeliveries } from '../http/admin/deliveries.ts';
import { registerEncryption } from '../http/admin/encryption.ts';
import { registerKeys } from '../http/admin/keys.ts';
import { registerSigningKeys } from '../http/admin/signing-keys.ts';
import { sendError } from '../http/errors.ts';
import { JWKS_PATH } from '../http/jwks.ts';
import { systemClock as clock, systemIds as ids } from '../ops/runtime.ts';
import { AppError, toAppError } from '../protocol/errors.ts';
import { defaultAdminKeyFile, readAdminKeyFile } from '../storage/admin-key-file.ts';
import { openStorage } from '../storage/open.ts';
import { type OpenedSealer, openSealer } from '../storage/open-sealer.ts';
import type { Storage } from '../storage/storage.ts';

const TIMEOUT_MS = 10_000;
const NOBODY_LISTENS = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
];

export type Method = 'GET' | 'POST' | 'DELETE';

export interface AdminRoutes {
  /** The answer's body. Throws an Error whose message is for the user. */
  send(method: Method, path: string, body?: object): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * @param url of the server, when the user names it: then it must answer. Else the configured address, and where
 * nobody listens there, the database itself.
 * @param mayBePlain the admin key may go over http to another machine.
 */
export async function openAdminRoutes(
  config: Config,
  url: string | undefined,
  mayBePlain: boolean,
): Promise<AdminRoutes> {
  if (url !== undefined && !(/^https?:\/\/./i.test(url) && URL.canParse(url))) {
    throw new AppError('INVALID_PARAMS', `--url must be an http or https URL, not ${JSON.stringify(url)}`);
  }
  if (url !== undefined && !mayBePlain && isPlainElsewhere(url)) {
    throw new AppError(
      'INVALID_PARAMS',
      `--url ${url} would send the admin key over http to another machine, where anybody on the way can read it; ` +
        'use https, run the command there, or add --plain-http',
    );
  }
  const address = url ?? addressOf(config);
  const server = serverRoutes(config, address, url === undefined);
  if (url !== undefined || (address !== null && (await isAnswering(address)))) return server;
  return databaseRoutes(config, address);
}

function isPlainElsewhere(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopbackHost(hostname);
}

/** Null: port 0, which nobody can know. */
function addressOf({ server: { host, port, tls, publicUrl } }: Config): string | null {
  if (port === 0) return null;
  // A certificate is made for the public name.
  return tls.certFile === undefined ? listenUrl('http', host, port) : publicUrl;
}

async function isAnswering(address: string): Promise<boolean> {
  try {
    const { body } = await request(join(address, '/healthz'), { reset: true, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await body.dump();
    return true;
  } catch (error) {
    if (isNobodyListening(error)) return false;
    throw unreachable(address, error);
  }
}

function serverRoutes(config: Config, address: string | null, isConfigured: boolean): AdminRoutes {
  return {
    async send(method, path, body) {
      const target = address ?? '';
      const answer = await request(join(target, path), {
        method,
        headers: { ...headersFor(config, target, isConfigured), ...(body && { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
        reset: true,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw unreachable(target, error);
      });
      return readAnswer(answer.statusCode, await answer.body.text(), target, config);
    },
    close: async () => {},
  };
}

function headersFor(config: Config, address: string, isConfigured: boolean): Record<string, string> {
  const key = config.auth.adminKey ?? readAdminKeyFile(defaultAdminKeyFile(config.dataDir));
  const { allowedHosts } = config.server;
  const [allowedHost] = allowedHosts;
  // The server listens at this address but may answer to other names only.
  const isOtherName = isConfigured && !allowedHosts.includes(new URL(address).hostname);
  return {
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(isOtherName && allowedHost !== undefined ? { host: allowedHost } : {}),
  };
}

function readAnswer(status: number, text: string, address: string, { dataDir }: Config): unknown {
  let body: unknown = null;
  try {
    if (text !== '') body = JSON.parse(text);
  } catch {
    throw new AppError(
      'UNAVAILABLE',
      `what answers at ${address} (status ${status}) is not Parley; name it with --url`,
    );
  }
  if (status < 400) return body;
  const { error } = (body ?? {}) as { error?: { message?: string } };
  const hint =
    status === 401
      ? `. The admin key is taken from ADMIN_API_KEY, ADMIN_API_KEY_FILE, or ${defaultAdminKeyFile(dataDir)}. Run this with the configuration of the server that answers at ${address}`
      : '';
  throw new AppError('UNAVAILABLE', `${error?.message ?? `${address} answered with status ${status}`}${hint}`);
}

/** The same routes with the same rules, without a listener. Who can open the database is its admin. */
async function databaseRoutes(config: Config, address: string | null): Promise<AdminRoutes> {
  const { url, pool } = config.database;
  const storage = await openStorage({ url, pool, clock, logger: silentLogger });
  let secrets: OpenedSealer;
  let signingKeys: SigningKeys;
  try {
    await storage.lockForServer();
    await storage.migrate();
    secrets = await openSecrets(config, storage);
    const { sealer } = secrets;
    signingKeys = new SigningKeys({ store: storage.signingKeys, sealer, clock, logger: silentLogger });
    await signingKeys.load();
  } catch (error) {
    await storage.close();
    if (toAppError(error).code !== 'CONFLICT') throw error;
    const where =
      address === null ? 'its port is not configured (server.port is 0)' : `it does not answer at ${address}`;
    throw new AppError('CONFLICT', `a Parley server is using the database, but ${where}; name it with --url`, {
      cause: error,
    });
  }
  const keys = new ApiKeyService({ store: storage.apiKeys, clock, ids, randomBytes, onChanged: () => {} });
  const jku = () => `${config.server.publicUrl}${JWKS_PATH}`;
  const app = Fastify();
  app.decorateRequest('principal');
  app.addHook('onRequest', async (incoming) => {
    incoming.principal = ADMIN;
  });
  app.setErrorHandler((error, incoming, reply) => sendError(incoming, reply, error));
  registerKeys(app, { keys, clock });
  const { push: store } = storage;
  const deliveries = new PushDeliveries({ store, logger: silentLogger, onRedelivery: () => {} });
  registerDeliveries(app, { deliveries });
  registerEncryption(app, secrets);
  registerSigningKeys(app, {
    signingKeys,
    cardSigner: new CardSigner({ keys: signingKeys, store: storage.cardSignatures, jku, clock }),
  });
  return {
    async send(method, path, body) {
      const answer = await app.inject({ method, url: path, ...(body === undefined ? {} : { payload: body }) });
      return readAnswer(answer.statusCode, answer.body, 'the database', config);
    },
    async close() {
      await app.close();
      await storage.close();
    },
  };
}

/** With keys missing too: the command that tells so must run. */
function openSecrets({ dataDir, secrets }: Config, storage: Storage): Promise<OpenedSealer> {
  const place = { dataDir, store: storage.sealedValues, columns: SEALED_COLUMNS, randomBytes, logger: silentLogger };
  return openSealer({ ...secrets, encryptionKey: secrets.encryptionKey, ...place, needsAllKeys: false });
}

const join = (address: string, path: string) => `${address.replace(/\/+$/, '')}${path}`;

function isNobodyListening(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOBODY_LISTENS.includes(String(error.code));
}

function unreachable(address: string, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = code !== '' ? code : cause instanceof Error ? cause.message : String(cause);
  return new AppError('UNAVAILABLE', `the server at ${address} cannot be reached: ${why}`, { cause });
}
