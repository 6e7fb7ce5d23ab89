#include "frontends/cli/run/NpyFile.h"

#include "dialect/Numerics/Half.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"

#include <cstring>

namespace mho::cli {
namespace {

using reference::Tensor;

/// What a .npy file says of its array.
struct NpyHeader {
  char kind = 0; ///< 'f' or 'i'
  int bytes = 0; ///< per element
  bool columnMajor = false;
  llvm::SmallVector<int64_t> shape;
  int64_t count = 1;
  llvm::StringRef data;
};

/// The text between `quote` signs or brackets that follows a key of the header's dictionary.
llvm::StringRef valueOf(llvm::StringRef dictionary, llvm::StringRef key, llvm::StringRef pattern) {
  llvm::SmallVector<llvm::StringRef> groups;
  if (!llvm::Regex(("'" + key + "': *" + pattern).str()).match(dictionary, &groups))
    return {};
  return groups[1];
}

Expected<NpyHeader> parseHeader(llvm::StringRef file) {
  // Magic, version, then the length of the dictionary: 2 bytes in version 1, 4 bytes later.
  if (file.size() < 12 || !file.starts_with("\x93NUMPY"))
    return Status::error("it is no .npy file");
  int lengthBytes = file[6] == 1 ? 2 : 4;
  uint32_t length = 0;
  std::memcpy(&length, file.data() + 8, lengthBytes);
  size_t start = 8 + lengthBytes;
  if (start + length > file.size())
    return Status::error("it ends within its header");
  llvm::StringRef dictionary = file.substr(start, length);
  NpyHeader header;
  header.data = file.substr(start + length);
  llvm::StringRef type = valueOf(dictionary, "descr", "'<(f2|[fi][48])'"),
                  order = valueOf(dictionary, "fortran_order", "(True|False)"),
                  sizes = valueOf(dictionary, "shape", "\\(([0-9, ]*)\\)");
  if (type.empty())
    return Status::error("its elements are not float16, float32, float64, int32 or int64: " + dictionary.rtrim().str());
  header.kind = type[0];
  header.bytes = type[1] - '0';
  header.columnMajor = order == "True";
  llvm::SmallVector<llvm::StringRef> parts;
  sizes.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef part : parts) {
    int64_t size = 0;
    if (part.trim().getAsInteger(10, size) || llvm::MulOverflow(header.count, size, header.count))
      return Status::error("its shape cannot be: (" + sizes.str() + ")");
    header.shape.push_back(size);
  }
  if (header.count > int64_t(header.data.size()) / header.bytes)
    return Status::error("it holds " + std::to_string(header.data.size()) + " bytes of data for a shape of (" +
                         sizes.str() + ")");
  return header;
}

template <class T> T element(const NpyHeader &header, int64_t i) {
  T value;
  std::memcpy(&value, header.data.data() + i * sizeof(T), sizeof(T));
  return value;
}

float realElement(const NpyHeader &header, int64_t i) {
  if (header.bytes == 2)
    return fromHalf(element<uint16_t>(header, i));
  return header.bytes == 4 ? element<float>(header, i) : float(element<double>(header, i));
}

/// Position in the file of the i-th element in row-major order.
int64_t filePosition(const NpyHeader &header, int64_t i) {
  if (!header.columnMajor)
    return i;
  int64_t position = 0, stride = header.count;
  for (int64_t size : llvm::reverse(header.shape)) {
    stride /= size;
    position += i % size * stride;
    i /= size;
  }
  return position;
}

} // namespace

Expected<Tensor> readNpy(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return Status::error("cannot read '" + path + "': " + file.getError().message());
  Expected<NpyHeader> header = parseHeader((*file)->getBuffer());
  if (!header)
    return Status::error("cannot read '" + path + "': " + header.message());
  Tensor tensor;
  tensor.shape = header->shape;
  tensor.isInteger = header->kind == 'i';
  for (int64_t i = 0; i < header->count; ++i) {
    int64_t at = filePosition(*header, i);
    if (tensor.isInteger)
      tensor.words.push_back(header->bytes == 4 ? element<int32_t>(*header, at) : element<int64_t>(*header, at));
    else
      tensor.reals.push_back(realElement(*header, at));
  }
  return tensor;
}

} // namespace mho::cli
