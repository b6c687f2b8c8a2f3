/** The management API of keys and tokens: what its requests and answers hold. */
import { z } from 'zod';
import { MAX_GRACE_SECONDS } from '../../core/access/api-keys.ts';
import { SCOPES } from '../../core/access/principal.ts';

const MAX_PAGE_SIZE = 200;

const nameSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u, 'must not contain control characters')
  .regex(/^(?!\s).*(?<!\s)$/su, 'must not begin or end with white space')
  .meta({ description: 'For people: what the key is for.' });
const scopesSchema = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .meta({ description: 'What the key may do. `admin` contains the others.' });
const agentsSchema = z
  .array(
    z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,62}$/,
        'must be an agent id: a lower-case letter, then at most 62 lower-case letters, digits and hyphens',
      ),
  )
  .min(1)
  .max(1000)
  .nullable()
  .meta({ description: 'The agents that the key may use; null: all.' });
const expiresAtSchema = z.iso
  .datetime({ offset: true, error: 'must be a date and time of RFC 3339, such as 2030-01-31T00:00:00Z' })
  .nullable()
  .meta({ description: 'From then on the key is refused; null: never. Must be in the future.' });

/** POST /v1/admin/token. The key may come as `Authorization: Bearer` instead. */
export const tokenRequestSchema = z.strictObject({ api_key: z.string().min(1).max(1024).optional() });
export const tokenResponseSchema = z.object({
  token: z.string(),
  expires_in: z.int().meta({ description: 'Seconds.' }),
});

/** POST /api/v1/keys */
export const createKeyRequestSchema = z.strictObject({
  name: nameSchema,
  scopes: scopesSchema.optional(),
  agents: agentsSchema.optional(),
  expiresAt: expiresAtSchema.optional(),
  ownerId: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'The principal that the key is for, one that exists. Default: one of its own.' }),
});

/** PATCH /api/v1/keys/{id}: what is left out stays. */
export const updateKeyRequestSchema = z
  .strictObject({
    name: nameSchema.optional(),
    scopes: scopesSchema.optional(),
    agents: agentsSchema.optional(),
    expiresAt: expiresAtSchema.optional(),
    disabled: z.boolean().optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, 'must name at least one field to change');

/** POST /api/v1/keys/{id}/rotate */
export const rotateKeyRequestSchema = z.strictObject({
  graceSeconds: z
    .int()
    .min(0)
    .max(MAX_GRACE_SECONDS)
    .optional()
    .meta({ description: 'How long the old key still works. Default: 0, it stops at once.' }),
});

/** Of every list; numbers are text in a query. */
export const pageFields = {
  pageSize: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be an integer')
    .transform(Number)
    .refine((size) => size <= MAX_PAGE_SIZE, `must be from 1 to ${MAX_PAGE_SIZE}`)
    .default(50),
  pageToken: z.string().max(512).default(''),
};

/** GET /api/v1/keys */
export const listKeysQuerySchema = z.strictObject(pageFields);

export const keyIdParamsSchema = z.object({ id: z.string().max(256) });

/** A key without the key: what is shown of it at any time. */
export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  ownerId: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  agents: z.array(z.string()).nullable(),
  prefix: z.string().meta({ description: 'The first characters of the key, to tell keys apart.' }),
  status: z.enum(['active', 'disabled', 'expired']),
  disabled: z.boolean(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: 'Within about a minute; null: never used.' }),
  previousKeyExpiresAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Until then the key before the last rotation works too.' }),
});
/** The only answers that hold the key itself. */
export const issuedKeySchema = keySchema.extend({ key: z.string() });
export const keyListSchema = z.object({
  keys: z.array(keySchema),
  nextPageToken: z.string().meta({ description: 'Empty: this is the last page.' }),
});

export type TokenResponse = z.output<typeof tokenResponseSchema>;
export type CreateKeyRequest = z.input<typeof createKeyRequestSchema>;
export type Key = z.output<typeof keySchema>;
export type IssuedKey = z.output<typeof issuedKeySchema>;
export type KeyList = z.output<typeof keyListSchema>;
