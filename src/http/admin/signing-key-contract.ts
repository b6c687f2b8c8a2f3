/** The management API of signing keys: what its requests and answers hold. */
import { z } from 'zod';
import { DEFAULT_ACTIVATION_SECONDS } from '../../core/signing/signing-keys.ts';
import { jsonObjectSchema } from '../../protocol/scalars.ts';

/** POST /api/v1/signing-keys/rotate */
export const rotateSigningKeyRequestSchema = z.strictObject({
  activateInSeconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(DEFAULT_ACTIVATION_SECONDS)
    .meta({ description: 'The new key is published at once, and signs after so many seconds.' }),
});

export const signingKeySchema = z.object({
  kid: z.string().meta({ description: 'The thumbprint of the public key (RFC 7638).' }),
  algorithm: z.string(),
  status: z.enum(['current', 'upcoming', 'previous', 'retired']).meta({
    description: 'All but `retired` are published at /.well-known/jwks.json; `current` signs.',
  }),
  createdAt: z.iso.datetime(),
  activeFrom: z.iso.datetime(),
  retiredAt: z.iso.datetime().nullable(),
});
export const signingKeyListSchema = z.object({ keys: z.array(signingKeySchema) });
export const signingKeyParamsSchema = z.object({ kid: z.string().max(256) });

/** POST /api/v1/signing-keys/sign-card */
export const signCardRequestSchema = z.strictObject({
  card: jsonObjectSchema.meta({ description: 'An AgentCard; its signatures do not count.' }),
});
export const signedCardSchema = z.object({
  signatures: z
    .array(z.object({ protected: z.string(), signature: z.string() }))
    .meta({ description: 'One for each form in which verifiers read the card.' }),
});

export type SignedCard = z.output<typeof signedCardSchema>;
export type SigningKey = z.output<typeof signingKeySchema>;
export type SigningKeyList = z.output<typeof signingKeyListSchema>;
