/** Datagrams to a Unix socket through the C library, because Node has none. */
import { endianness } from 'node:os';
import { getSystemErrorName } from 'node:util';

export type Koffi = typeof import('koffi');

/** Constants of Linux on all architectures that Node has binaries for. */
const unixFamily = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
/** A reader that doesn't keep up must not block the event loop; MSG_NOSIGNAL besides. */
const withoutWaiting = 0x40 | 0x4000;
/** Of `sun_path`. */
const longestPath = 108;

export interface Datagrams {
  /** @returns the name of the error; `null` for none */
  send(text: string): string | null;
  close(): void;
}

/**
 * @param address a path, or `@NAME` for one in the abstract namespace
 * @returns `null` if the C library lacks a function, or no descriptor is free
 */
export function openDatagrams(koffi: Koffi, address: string): Datagrams | null {
  try {
    return open(koffi, address);
  } catch {
    return null;
  }
}

function open(koffi: Koffi, address: string): Datagrams | null {
  const library = koffi.load(null);
  const declare = <T extends (...args: never[]) => number>(declaration: string) =>
    library.func(declaration) as unknown as T;
  const socket =
    declare<(family: number, type: number, protocol: number) => number>('int socket(int, int, int)');
  const sendto = declare<
    (fd: number, data: Buffer, bytes: number, flags: number, to: Buffer, toBytes: number) => number
  >('long sendto(int, const void *, size_t, int, const void *, uint)');
  const close = declare<(fd: number) => number>('int close(int)');
  // Opened once: later, no descriptor may be free, and a runner that can't ping is killed.
  const descriptor = socket(unixFamily, datagram | closeOnExec, 0);
  if (descriptor < 0) return null;
  const to = socketAddress(address);
  return {
    send(text) {
      if (to.length > 2 + longestPath) return 'ENAMETOOLONG';
      const data = Buffer.from(text);
      const sent = sendto(descriptor, data, data.length, withoutWaiting, to, to.length);
      return sent < 0 ? getSystemErrorName(-koffi.errno()) : null;
    },
    close: () => void close(descriptor),
  };
}

/** A `sockaddr_un`. Abstract names begin with NUL and end with the structure, others end with NUL. */
function socketAddress(address: string): Buffer {
  const family = Buffer.from(endianness() === 'LE' ? [unixFamily, 0] : [0, unixFamily]);
  const path = address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`;
  return Buffer.concat([family, Buffer.from(path)]);
}
