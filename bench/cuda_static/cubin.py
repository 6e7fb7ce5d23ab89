"""What a cubin, an ELF file of 64 bits, says of its kernels beside their code."""
import struct

SVAL, REGCOUNT = 0x04, 0x2F  # an entry of .nv.info with its size, and the one of the registers


def sections_of(cubin):
    """(name, type, contents, link) of each section."""
    offset, = struct.unpack_from("<Q", cubin, 0x28)
    size, count, names = struct.unpack_from("<3H", cubin, 0x3A)
    headers = [struct.unpack_from("<2I4Q2I2Q", cubin, offset + i * size) for i in range(count)]
    texts = cubin[headers[names][4]:headers[names][4] + headers[names][5]]
    return [(text_at(texts, h[0]), h[1], cubin[h[4]:h[4] + h[5]], h[6]) for h in headers]


def text_at(data, offset):
    return data[offset:data.index(b"\0", offset)].decode()


def registers_of(cubin):
    """Registers of a thread by kernel."""
    sections = sections_of(cubin)
    symbols, names = next((s[2], sections[s[3]][2]) for s in sections if s[0] == ".symtab")
    info = next(s[2] for s in sections if s[0] == ".nv.info")
    registers, at = {}, 0
    while at < len(info):
        form, attribute, size = struct.unpack_from("<2BH", info, at)
        if (form, attribute) == (SVAL, REGCOUNT):
            symbol, count = struct.unpack_from("<2I", info, at + 4)
            registers[text_at(names, struct.unpack_from("<I", symbols, 24 * symbol)[0])] = count
        at += 4 + (size if form == SVAL else 0)
    return registers
