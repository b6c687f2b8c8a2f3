/** The port by which a secret is encrypted before it is stored. What is stored can be opened only where it was sealed for. */

/** Where a sealed value lies; it is bound to this place, so that an envelope copied elsewhere does not open. */
export interface SecretPlace {
  readonly table: string;
  readonly column: string;
  /** The primary key of the row. */
  readonly row: string;
}

/** What is stored: the envelope, and beside it the id of the key that it was sealed with. */
export interface SealedSecret {
  readonly keyId: string;
  /** `enc:v1:<iv>:<tag>:<ciphertext>`, AES-256-GCM, each part base64url. */
  readonly envelope: string;
}

export interface Sealer {
  seal(plaintext: string, place: SecretPlace): SealedSecret;
  /** Throws AppError DECRYPTION_FAILED where the envelope was tampered with, moved, or sealed with a key that is not here. */
  open(sealed: SealedSecret, place: SecretPlace): string;
}
