/** POST /v1/admin/token: the admin key for a token that lives 15 minutes. */
import type { FastifyInstance } from 'fastify';
import type { AdminTokens } from '../../core/access/admin-tokens.ts';
import { type Authenticator, invalidCredential } from '../../core/access/authenticator.ts';
import { credentialOf } from '../../core/access/credential.ts';
import { type TokenResponse, tokenRequestSchema } from './contract.ts';
import { validate } from './validate.ts';

/** The longest key, escaped in JSON in the longest way, fits. */
const MAX_BODY_BYTES = 8 * 1024;

export interface AdminTokenDeps {
  readonly authenticator: Authenticator;
  readonly adminTokens: AdminTokens;
}

/** Only the admin key itself gets a token: no token prolongs itself. Anything else is UNAUTHENTICATED. */
export function registerAdminToken(app: FastifyInstance, { authenticator, adminTokens }: AdminTokenDeps): void {
  // Anyone may send it a body, and reading that must not keep others waiting.
  app.post(
    '/v1/admin/token',
    { config: { isPublic: true }, bodyLimit: MAX_BODY_BYTES },
    async (request, reply): Promise<TokenResponse> => {
      const { api_key: key } = validate(tokenRequestSchema, request.body ?? {});
      if (!authenticator.isAdminKey(key ?? credentialOf(request.headers))) throw invalidCredential();
      void reply.header('cache-control', 'no-store');
      return adminTokens.issue();
    },
  );
}
