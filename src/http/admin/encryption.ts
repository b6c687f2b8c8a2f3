/** /api/v1/encryption: which keys have sealed how much, and rekeying, batch by batch, for the admin. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import type { Rekeying, RekeyPosition } from '../../core/secrets/rekeying.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type {} from '../request.ts';
import { type EncryptionStatus, type RekeyBatchAnswer, rekeyRequestSchema } from './encryption-contract.ts';
import { validate } from './validate.ts';

export interface EncryptionRoutesDeps {
  readonly rekeying: Rekeying;
}

const PATH = '/api/v1/encryption';

export function registerEncryption(app: FastifyInstance, { rekeying }: EncryptionRoutesDeps): void {
  app.get(PATH, async (request): Promise<EncryptionStatus> => {
    authorize(request.principal, 'encryption.read', { kind: 'server' });
    const { keys, removable, ...rest } = await rekeying.status();
    return { ...rest, keys: [...keys], removable: [...removable] };
  });

  app.post(`${PATH}/rekey`, async (request): Promise<RekeyBatchAnswer> => {
    authorize(request.principal, 'encryption.write', { kind: 'server' });
    const { position, batchSize } = validate(rekeyRequestSchema, request.body ?? {});
    const { next, failed, ...counts } = await rekeying.batch(parsePosition(position), batchSize);
    return { ...counts, failed: [...failed], nextPosition: formatPosition(next) };
  });
}

function formatPosition(next: RekeyPosition | null): string {
  return next === null ? '' : Buffer.from(JSON.stringify([next.column, next.after])).toString('base64url');
}

function parsePosition(text: string): RekeyPosition | null {
  if (text === '') return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const [column, after] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
    const isRow = after === null || typeof after === 'string' || typeof after === 'number';
    if (typeof column === 'number' && Number.isSafeInteger(column) && column >= 0 && isRow) return { column, after };
  } catch {
    // Told below.
  }
  throw invalidParams([{ field: 'position', description: 'is not the nextPosition of an earlier answer' }]);
}
