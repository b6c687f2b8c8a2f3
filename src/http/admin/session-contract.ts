/** The management API of sessions: what its requests and answers hold. */
import { z } from 'zod';
import { SCOPES } from '../../core/access/principal.ts';

/** Sent back in this header by every request that changes something and is authenticated by the cookie. */
export const CSRF_HEADER = 'x-csrf-token';

/** POST /api/v1/session */
export const signInRequestSchema = z.strictObject({
  key: z.string().min(1).max(1024).meta({ description: 'The admin key or an API key. A token is not taken.' }),
});

export const sessionSchema = z.object({
  id: z.string().meta({ description: 'Names the session in the list. It opens nothing.' }),
  kind: z.enum(['admin', 'key']).meta({ description: 'What it was signed in with: the admin key or an API key.' }),
  name: z.string().meta({ description: 'Of the key.' }),
  ownerId: z.string(),
  keyId: z.string().nullable(),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime().meta({ description: 'Within about a minute.' }),
  expiresAt: z.iso
    .datetime()
    .meta({ description: 'When it ends if it is not used until then, and in any case not later than that.' }),
  userAgent: z
    .string()
    .meta({ description: 'What the browser called itself when it signed in; at most 200 characters.' }),
  isCurrent: z.boolean().meta({ description: 'The session of this request.' }),
});

/** GET and POST /api/v1/session. 200 also where nobody is signed in. */
export const whoAmISchema = z.object({
  authentication: z
    .enum(['key', 'none'])
    .meta({ description: '`none`: authentication is switched off; nobody signs in, and everybody may do everything.' }),
  principal: z
    .object({
      kind: z.enum(['admin', 'key', 'anonymous']),
      name: z.string(),
      ownerId: z.string(),
      keyId: z.string().nullable(),
      scopes: z.array(z.enum(SCOPES)),
      agents: z.array(z.string()).nullable().meta({ description: 'The agents that it may use; null: all.' }),
      isAdmin: z.boolean().meta({ description: 'Whether it may use all of the management API.' }),
    })
    .nullable()
    .meta({ description: 'Who this request is from; null: sign in first.' }),
  session: sessionSchema.nullable().meta({ description: 'null where the request has no session cookie.' }),
  csrfToken: z
    .string()
    .nullable()
    .meta({ description: `For the header \`${CSRF_HEADER}\`; null where none is needed.` }),
});

/** GET /api/v1/sessions: one's own; the admin may ask for `all`. */
export const listSessionsQuerySchema = z.strictObject({
  all: z.enum(['true', 'false']).default('false').meta({ description: 'Those of everybody. For the admin.' }),
});
export const sessionListSchema = z.object({ sessions: z.array(sessionSchema) });
export const sessionIdParamsSchema = z.object({ id: z.string().max(256) });

export type SignInRequest = z.input<typeof signInRequestSchema>;
export type Session = z.output<typeof sessionSchema>;
export type WhoAmI = z.output<typeof whoAmISchema>;
export type SessionList = z.output<typeof sessionListSchema>;
