/** What one protocol version must provide for gRPC. `v1/grpc.ts` and `v0_3/grpc.ts` are the two. */
import type { Codec, Operation, OperationCall } from './codec.ts';

export interface GrpcMethod {
  /** Of the rpc, as the service definition has it. */
  readonly name: string;
  readonly operation: Operation;
}

export interface GrpcService {
  /** Its full name, by which the version of a call is known. */
  readonly name: string;
  readonly methods: readonly GrpcMethod[];
  /** Its answers and events are ProtoJSON of the methods' responses. */
  readonly codec: Codec;
  /** Validates the ProtoJSON of a request. Throws AppError INVALID_PARAMS with a violation for each bad field. */
  decode(operation: Operation, request: unknown): OperationCall;
}
