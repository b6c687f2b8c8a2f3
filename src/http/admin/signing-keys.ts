/** /api/v1/signing-keys: the keys that this server signs with, for the admin. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import type { CardSigner } from '../../core/signing/card-signer.ts';
import type { SigningKeyInfo, SigningKeys } from '../../core/signing/signing-keys.ts';
import type {} from '../request.ts';
import {
  rotateSigningKeyRequestSchema,
  type SignedCard,
  type SigningKey,
  type SigningKeyList,
  signCardRequestSchema,
  signingKeyParamsSchema,
} from './signing-key-contract.ts';
import { validate } from './validate.ts';

export interface SigningKeyRoutesDeps {
  readonly signingKeys: SigningKeys;
  readonly cardSigner: Pick<CardSigner, 'signAny'>;
}

const PATH = '/api/v1/signing-keys';
const SERVER = { kind: 'server' } as const;

export function registerSigningKeys(app: FastifyInstance, { signingKeys, cardSigner }: SigningKeyRoutesDeps): void {
  app.get(PATH, async (request): Promise<SigningKeyList> => {
    authorize(request.principal, 'signing-key.read', SERVER);
    return { keys: signingKeys.list().map(show) };
  });

  app.post(`${PATH}/rotate`, async (request, reply): Promise<SigningKey> => {
    authorize(request.principal, 'signing-key.write', SERVER);
    const { activateInSeconds } = validate(rotateSigningKeyRequestSchema, request.body ?? {});
    const made = await signingKeys.rotate(activateInSeconds);
    void reply.code(201);
    return show(made);
  });

  app.post(`${PATH}/sign-card`, async (request): Promise<SignedCard> => {
    authorize(request.principal, 'signing-key.write', SERVER);
    const { card } = validate(signCardRequestSchema, request.body);
    return { signatures: await cardSigner.signAny(card) };
  });

  app.post(`${PATH}/:kid/retire`, async (request): Promise<SigningKey> => {
    authorize(request.principal, 'signing-key.write', SERVER);
    return show(await signingKeys.retire(validate(signingKeyParamsSchema, request.params).kid));
  });
}

const toTime = (ms: number) => new Date(ms).toISOString();

function show({ kid, algorithm, status, createdAtMs, activeFromMs, retiredAtMs }: SigningKeyInfo): SigningKey {
  return {
    kid,
    algorithm,
    status,
    createdAt: toTime(createdAtMs),
    activeFrom: toTime(activeFromMs),
    retiredAt: retiredAtMs === null ? null : toTime(retiredAtMs),
  };
}
