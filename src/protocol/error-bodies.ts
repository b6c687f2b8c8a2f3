/** What an error looks like on the wire: the detail objects that both versions share, and the two 1.0 bodies. */
import { type AppError, ERROR_TABLE } from './errors.ts';

export const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
export const BAD_REQUEST_TYPE = 'type.googleapis.com/google.rpc.BadRequest';
export const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';

/** google.rpc.ErrorInfo: `reason` is the error's code, which for A2A errors is the specification's name of it. */
export interface ErrorInfo {
  readonly '@type': typeof ERROR_INFO_TYPE;
  readonly reason: string;
  readonly domain: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface BadRequest {
  readonly '@type': typeof BAD_REQUEST_TYPE;
  readonly fieldViolations: readonly { readonly field: string; readonly description: string }[];
}

export interface RetryInfo {
  readonly '@type': typeof RETRY_INFO_TYPE;
  /** ProtoJSON Duration: seconds with the suffix `s`. */
  readonly retryDelay: string;
}

export type ErrorDetail = ErrorInfo | BadRequest | RetryInfo;

/** The domain of ErrorInfo (section 11.6): the specification's for its own errors, ours for the rest. */
export function errorDomain(error: AppError): string {
  return ERROR_TABLE[error.code].domain === 'a2a' ? 'a2a-protocol.org' : 'parley';
}

/**
 * ErrorInfo, then BadRequest where fields were not valid, then RetryInfo where a retry makes sense. The error's
 * `detail` and `cause` are for operators and never among them.
 */
export function errorDetails(error: AppError): readonly ErrorDetail[] {
  const details: ErrorDetail[] = [errorInfo(error)];
  if (error.violations.length > 0) {
    const fieldViolations = error.violations.map(({ field, description }) => ({ field, description }));
    details.push({ '@type': BAD_REQUEST_TYPE, fieldViolations });
  }
  if (error.retryAfterSeconds !== undefined) {
    details.push({ '@type': RETRY_INFO_TYPE, retryDelay: `${error.retryAfterSeconds}s` });
  }
  return details;
}

function errorInfo(error: AppError): ErrorInfo {
  const info: ErrorInfo = { '@type': ERROR_INFO_TYPE, reason: error.code, domain: errorDomain(error) };
  return Object.keys(error.metadata).length === 0 ? info : { ...info, metadata: error.metadata };
}

/** The `error` member of a 1.0 JSON-RPC answer (section 9.5). */
export function jsonRpcErrorBody(error: AppError): string {
  const { jsonRpc } = ERROR_TABLE[error.code];
  return JSON.stringify({ code: jsonRpc, message: error.message, data: errorDetails(error) });
}

/** The body of a 1.0 REST error answer: google.rpc.Status in its HTTP form (section 11.6). */
export function restErrorBody(error: AppError): string {
  const { http, grpc } = ERROR_TABLE[error.code];
  return JSON.stringify({
    error: { code: http, status: grpc, message: error.message, details: errorDetails(error) },
  });
}
