import protoLoader, { type MessageTypeDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** A google.protobuf.FileDescriptorSet whose files stay bytes: decoded, they lose dependencies and their fields' own names. */
const DESCRIPTOR_SET = protoLoader.fromJSON({
  nested: { DescriptorSet: { fields: { file: { rule: 'repeated', type: 'bytes', id: 1 } } } },
})['DescriptorSet'] as MessageTypeDefinition<object, { file: Buffer[] }>;

/** Server reflection, v1 and v1alpha, over the files of a descriptor set. */
export function createReflection(descriptorSet: Buffer): ReflectionService {
  const fileDescriptorProtos = DESCRIPTOR_SET.deserialize(descriptorSet).file;
  return new ReflectionService({
    files: { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos },
  });
}
