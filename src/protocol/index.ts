/** The A2A wire in one place: what the other layers use of it. The only barrel of Parley. */
export {
  type Codec,
  OPERATIONS,
  type Operation,
  type OperationCall,
  type OperationRequests,
  type ProtocolVersion,
  type RestInput,
  type RestRoute,
  type TaskPage,
} from './codec.ts';
export { decodeWith } from './decode.ts';
export { BAD_REQUEST_TYPE, ERROR_INFO_TYPE, errorDetails, jsonRpcErrorBody, restErrorBody } from './error-bodies.ts';
export {
  AppError,
  type AppErrorOptions,
  assertNever,
  ERROR_TABLE,
  type ErrorCode,
  type FieldViolation,
  type GrpcStatus,
  toAppError,
} from './errors.ts';
export type { JsonObject, JsonValue } from './json.ts';
export {
  type JsonRpcId,
  type JsonRpcRequest,
  parseJsonRpc,
  readableIdJson,
  refuseNotification,
  rpcError,
  rpcResult,
} from './json-rpc.ts';
export { wireJsonSchemas } from './json-schemas.ts';
export { MAX_REQUEST_ITEMS } from './presence.ts';
export { findUnstorableText, MAX_JSON_DEPTH } from './storable.ts';
export { codecV03, codecV03Rest } from './v0_3/codec.ts';
export { LOSSY_FIELDS } from './v0_3/translate.ts';
export { cardToV1, cardToV03, combinedCard } from './v0_3/translate-card.ts';
export { agentCardSchema } from './v1/card-schemas.ts';
export { codecV1 } from './v1/codec.ts';
export * from './v1/types.ts';
export { codecFor, type JsonBinding, methodNotFound, negotiateVersion, SUPPORTED_VERSIONS } from './version.ts';
export { formatFieldPath, invalidParams, violationsOf } from './violations.ts';
