/** /api/v1/keys: API keys, for the admin. */
import type { FastifyInstance } from 'fastify';
import type { ApiKeyChanges, ApiKeyCursor, ApiKeyRecord } from '../../core/access/api-key-store.ts';
import type { ApiKeyService, IssuedApiKey } from '../../core/access/api-keys.ts';
import { type Action, authorize } from '../../core/access/authorize.ts';
import type { Principal } from '../../core/access/principal.ts';
import type { Clock } from '../../core/clock.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type {} from '../request.ts';
import {
  createKeyRequestSchema,
  type IssuedKey,
  type Key,
  type KeyList,
  keyIdParamsSchema,
  listKeysQuerySchema,
  rotateKeyRequestSchema,
  updateKeyRequestSchema,
} from './contract.ts';
import { validate } from './validate.ts';

export interface KeyRoutesDeps {
  readonly keys: ApiKeyService;
  readonly clock: Clock;
}

const PATH = '/api/v1/keys';

export function registerKeys(app: FastifyInstance, { keys, clock }: KeyRoutesDeps): void {
  const allow = (principal: Principal, action: Action) => authorize(principal, action, { kind: 'server' });
  const show = (record: ApiKeyRecord) => toKey(record, clock.now());
  const showIssued = ({ record, key }: IssuedApiKey): IssuedKey => ({ ...show(record), key });

  app.post(PATH, async (request, reply): Promise<IssuedKey> => {
    allow(request.principal, 'key.write');
    const { expiresAt, ...rest } = validate(createKeyRequestSchema, request.body);
    const issued = await keys.create(defined({ ...rest, expiresAtMs: toMs(expiresAt) }));
    void reply.code(201).header('location', `${PATH}/${issued.record.id}`).header('cache-control', 'no-store');
    return showIssued(issued);
  });

  app.get(PATH, async (request): Promise<KeyList> => {
    allow(request.principal, 'key.read');
    const { pageSize, pageToken } = validate(listKeysQuerySchema, request.query);
    const page = await keys.list(pageSize, parsePageToken(pageToken));
    return { keys: page.keys.map(show), nextPageToken: formatPageToken(page.next) };
  });

  app.get(`${PATH}/:id`, async (request): Promise<Key> => {
    allow(request.principal, 'key.read');
    return show(await keys.get(validate(keyIdParamsSchema, request.params).id));
  });

  app.patch(`${PATH}/:id`, async (request): Promise<Key> => {
    allow(request.principal, 'key.write');
    const { id } = validate(keyIdParamsSchema, request.params);
    const { expiresAt, ...rest } = validate(updateKeyRequestSchema, request.body);
    const changes: ApiKeyChanges = defined({ ...rest, expiresAtMs: toMs(expiresAt) });
    return show(await keys.update(id, changes));
  });

  app.delete(`${PATH}/:id`, async (request, reply) => {
    allow(request.principal, 'key.write');
    await keys.revoke(validate(keyIdParamsSchema, request.params).id);
    return reply.code(204).send();
  });

  app.post(`${PATH}/:id/rotate`, async (request, reply): Promise<IssuedKey> => {
    allow(request.principal, 'key.write');
    const { id } = validate(keyIdParamsSchema, request.params);
    const { graceSeconds } = validate(rotateKeyRequestSchema, request.body ?? {});
    const issued = await keys.rotate(id, graceSeconds);
    void reply.header('cache-control', 'no-store');
    return showIssued(issued);
  });
}

/** What is shown of a key at `nowMs`. */
export function toKey(record: ApiKeyRecord, nowMs: number): Key {
  const { id, name, ownerId, prefix, disabled, expiresAtMs, previousExpiresAtMs } = record;
  const isExpired = expiresAtMs !== null && nowMs >= expiresAtMs;
  const isPreviousAlive = previousExpiresAtMs !== null && nowMs < previousExpiresAtMs;
  return {
    id,
    name,
    ownerId,
    scopes: [...record.scopes],
    agents: record.agents === null ? null : [...record.agents],
    prefix,
    status: disabled ? 'disabled' : isExpired ? 'expired' : 'active',
    disabled,
    createdAt: toTime(record.createdAtMs),
    updatedAt: toTime(record.updatedAtMs),
    expiresAt: expiresAtMs === null ? null : toTime(expiresAtMs),
    lastUsedAt: record.lastUsedAtMs === null ? null : toTime(record.lastUsedAtMs),
    previousKeyExpiresAt: isPreviousAlive ? toTime(previousExpiresAtMs) : null,
  };
}

const toTime = (ms: number) => new Date(ms).toISOString();
const toMs = (time: string | null | undefined) => (typeof time === 'string' ? Date.parse(time) : time);

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the members that are undefined: left out means "as it is". */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}

function formatPageToken(next: ApiKeyCursor | null): string {
  return next === null ? '' : Buffer.from(`${next.createdAtMs} ${next.id}`).toString('base64url');
}

function parsePageToken(token: string): ApiKeyCursor | null {
  if (token === '') return null;
  const [, createdAtMs, id] = /^(\d{1,15}) (\S{1,256})$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (createdAtMs === undefined || id === undefined) {
    throw invalidParams([{ field: 'pageToken', description: 'is not the nextPageToken of an earlier answer' }]);
  }
  return { createdAtMs: Number(createdAtMs), id };
}
