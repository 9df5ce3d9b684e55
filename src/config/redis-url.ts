/**
 * Splits a Redis URL into the fields that `redis` has as an object, without defaults. The schema validates them later.
 * Messages never repeat the URL, because it may contain a password.
 *
 *     redis://[username[:password]@]host[:port][/db][?db=N]      rediss:// likewise, with TLS
 *     unix:///absolute.sock[?db=N&username=U&password=P]         unix:relative.sock, or just a path with a "/"
 */
import { problems } from './problems.ts';

interface UrlFields {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: true;
}

export type UrlResult =
  | { readonly ok: true; readonly fields: UrlFields }
  | { readonly ok: false; readonly problem: string };

const words = problems.url;

/** Thrown and caught only in this file. Only the first problem of a URL is reported. */
class Refusal extends Error {}

export function readRedisUrl(text: string): UrlResult {
  try {
    return { ok: true, fields: fieldsOf(text) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.message };
    throw error;
  }
}

function fieldsOf(text: string): UrlFields {
  if (/[\s\x00-\x1f\x7f-\x9f]/.test(text) && !isBarePath(text)) throw new Refusal(words.control);
  if (isBarePath(text)) return socketFields(text, (path) => path);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'unix') return unixFields(text.slice('unix:'.length));
  if (/^rediss?:\/\//i.test(text))
    return { ...serverFields(text), ...(scheme === 'rediss' ? { tls: true } : {}) };
  // Repeat only what looks like a host; anything else might be a password.
  if (/^[\w.-]+(:\d{1,5})?$/.test(text)) throw new Refusal(words.hostOnly(text));
  if (scheme !== undefined && text.startsWith('//', scheme.length + 1))
    throw new Refusal(words.scheme(scheme));
  throw new Refusal(words.shape);
}

/** A path must begin with "/", "./" or "../"; a bare word is more likely a host. */
function isBarePath(text: string): boolean {
  return /^\.{0,2}\//.test(text);
}

function serverFields(text: string): UrlFields {
  const afterAuthority = text.slice(text.indexOf('//') + 2).replace(/^[^/?#]*/, '');
  // `redis://user:12/34@host` would parse as host "user", port 12: the wrong server.
  if (afterAuthority.includes('@')) throw new Refusal(words.strayAt);
  if (text.includes('#')) throw new Refusal(words.fragment);
  const authority = text.slice(text.indexOf('//') + 2, text.length - afterAuthority.length);
  const border = authority.lastIndexOf('@');
  const credentials = border < 0 ? {} : credentialsOf(authority.slice(0, border));
  const { path, query } = splitQuery(afterAuthority);
  const pathDb = path.slice(1);
  return {
    ...addressOf(authority.slice(border + 1)),
    ...credentials,
    ...queryFields(query, pathDb === '' ? undefined : databaseOf(pathDb)),
  };
}

function addressOf(text: string): UrlFields {
  const [, bracketed, plain, rest = ''] = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]*))(.*)$/i.exec(text) ?? [];
  const host = decoded(bracketed ?? plain ?? '');
  if (host === '' && rest === '') return {};
  if (host === '' || /[\s\x00-\x1f\x7f-\x9f/@?#]/.test(host)) throw new Refusal(words.host);
  if (rest === '') return { host };
  const port = /^:(\d{1,5})$/.exec(rest)?.[1];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535) throw new Refusal(words.port);
  return { host, port: Number(port) };
}

function unixFields(rest: string): UrlFields {
  if (!rest.startsWith('//')) return socketFields(rest, decoded);
  const afterSlashes = rest.slice(2);
  const authority = /^[^/?]*/.exec(afterSlashes)?.[0] ?? '';
  if (authority === '') return socketFields(afterSlashes, decoded);
  if (!authority.endsWith('@')) throw new Refusal(words.relative);
  const credentials = credentialsOf(authority.slice(0, -1));
  return { ...credentials, ...socketFields(afterSlashes.slice(authority.length), decoded) };
}

function socketFields(text: string, decode: (path: string) => string): UrlFields {
  const { path, query } = splitQuery(text);
  const decodedPath = decode(path);
  if (decodedPath === '' || decodedPath.endsWith('/')) throw new Refusal(words.noPath);
  if (/[\x00-\x1f\x7f]/.test(decodedPath)) throw new Refusal(words.control);
  return { path: decodedPath, ...queryFields(query, undefined) };
}

/** `user`, `user:password` or `:password`, percent-encoded. An empty part counts as missing. */
function credentialsOf(text: string): UrlFields {
  const colon = text.indexOf(':');
  const username = decoded(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? '' : decoded(text.slice(colon + 1));
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

function splitQuery(text: string): { path: string; query: string } {
  const mark = text.indexOf('?');
  return mark < 0 ? { path: text, query: '' } : { path: text.slice(0, mark), query: text.slice(mark + 1) };
}

/** Options of the query, with the database that the path named. */
function queryFields(query: string, pathDb: number | undefined): UrlFields {
  const found = new Map<string, string>();
  for (const option of query.split('&').filter((part) => part !== '')) {
    const equals = option.indexOf('=');
    const name = equals < 0 ? option : option.slice(0, equals);
    if (name !== 'db' && name !== 'username' && name !== 'password') {
      throw new Refusal(words.option);
    }
    if (found.has(name)) throw new Refusal(words.twice(name));
    found.set(name, decoded(option.slice(equals + 1)));
  }
  const dbText = found.get('db');
  const queryDb = dbText === undefined ? undefined : databaseOf(dbText);
  if (pathDb !== undefined && queryDb !== undefined && pathDb !== queryDb) throw new Refusal(words.twoDbs);
  const db = queryDb ?? pathDb;
  const username = found.get('username');
  const password = found.get('password');
  return {
    ...(db === undefined ? {} : { db }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function databaseOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(words.db);
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The engine's message has no more information.
    throw new Refusal(words.encoding);
  }
}
