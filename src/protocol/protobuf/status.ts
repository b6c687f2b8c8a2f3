/** An error as google.rpc.Status, which gRPC carries in `grpc-status-details-bin` (A2A 1.0 section 10.6). */
import { errorDetails } from '../error-bodies.ts';
import { type AppError, ERROR_TABLE, type GrpcStatus } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { bytesOf, messageType } from './messages.ts';

/** google.rpc.Code. */
export const STATUS_CODES: Readonly<Record<GrpcStatus, number>> = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
};

const statusType = messageType('google.rpc.Status');

export function statusBytes(error: AppError): Uint8Array {
  const code = STATUS_CODES[ERROR_TABLE[error.code].grpc];
  return bytesOf(
    statusType,
    JSON.parse(JSON.stringify({ code, message: error.message, details: errorDetails(error) })) as JsonValue,
  );
}
