// A network file with its tables, packed as the node keeps it: a head, then msgpack in a zlib stream.

const MAGIC = [0x53, 0x50, 0x58, 0x4e];
const FORM = 1;
const HEAD = 9;

async function through(stream, octets) {
  return new Uint8Array(await new Response(new Blob([octets]).stream().pipeThrough(stream)).arrayBuffer());
}

function join(parts) {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Type and length of a msgpack text, octets or map, in the widest form. */
function headed(type, length, octets) {
  const head = new Uint8Array(5);
  head[0] = type;
  new DataView(head.buffer).setUint32(1, length);
  return octets ? join([head, octets]) : head;
}

const text = (value) => {
  const octets = new TextEncoder().encode(value);
  return headed(0xdb, octets.length, octets);
};
const binary = (octets) => headed(0xc6, octets.length, octets);

/** In base64: a file's name and octets, and its tables by the names that are written in it. */
export async function pack(name, octets, tables) {
  const parts = [Uint8Array.of(0x93), text(name), binary(octets), headed(0xdf, tables.size)];
  for (const key of [...tables.keys()].sort()) parts.push(text(key), binary(tables.get(key)));
  const inner = join(parts);
  const head = headed(FORM, inner.length);
  return toBase64(join([Uint8Array.from(MAGIC), head, await through(new CompressionStream("deflate"), inner)]));
}

/** What was packed: the file's name, its text, and the names of its tables. */
export async function unpack(written) {
  const blob = fromBase64(written);
  const inner = await through(new DecompressionStream("deflate"), blob.slice(HEAD));
  const reader = new Reader(inner);
  const [name, octets, files] = reader.value();
  return { name: string(name), text: string(octets), tables: [...files.keys()] };
}

const string = (value) => (typeof value === "string" ? value : new TextDecoder().decode(value));

/** The part of msgpack that a bundle is made of. */
class Reader {
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    this.at = 0;
  }

  size(width) {
    const found = width === 1 ? this.view.getUint8(this.at) : width === 2 ? this.view.getUint16(this.at) : this.view.getUint32(this.at);
    this.at += width;
    return found;
  }

  raw(length) {
    this.at += length;
    return this.octets.subarray(this.at - length, this.at);
  }

  map(length) {
    const found = new Map();
    for (let each = 0; each < length; each += 1) found.set(string(this.value()), this.value());
    return found;
  }

  value() {
    const type = this.size(1);
    if (type >= 0x90 && type <= 0x9f) return Array.from({ length: type & 15 }, () => this.value());
    if (type >= 0x80 && type <= 0x8f) return this.map(type & 15);
    if (type >= 0xa0 && type <= 0xbf) return string(this.raw(type & 31));
    if (type >= 0xc4 && type <= 0xc6) return this.raw(this.size(2 ** (type - 0xc4)));
    if (type >= 0xd9 && type <= 0xdb) return string(this.raw(this.size(2 ** (type - 0xd9))));
    if (type === 0xde || type === 0xdf) return this.map(this.size(type === 0xde ? 2 : 4));
    throw new Error("this version cannot be read");
  }
}

function toBase64(octets) {
  let found = "";
  for (let at = 0; at < octets.length; at += 0x8000) found += String.fromCharCode(...octets.subarray(at, at + 0x8000));
  return btoa(found);
}

function fromBase64(written) {
  return Uint8Array.from(atob(written), (each) => each.charCodeAt(0));
}
