/**
 * The files of a config: the one that the runner starts with, and those that it includes, which may include more. Reads
 * them through `ConfigFiles`, so that tests and `init` need no disk.
 *
 * All problems are collected: a mistake in one team's file doesn't hide one in another's.
 */
import { basename, dirname, join, relative, resolve } from 'node:path';
import * as v from 'valibot';
import { problems } from '../problems.ts';
import { type IncludedSettings, includedSchema, includeSchema } from '../schema.ts';
import { type PartFile, problemAt, type ReadPart, readPart } from './read-part.ts';
import type { Environment } from './variables.ts';

/** How files are read. No method throws because of the file. */
export interface ConfigFiles {
  readonly read: (path: string) => Found<string>;
  /** Names of the files in a directory; none if it does not exist. */
  readonly list: (directory: string) => Found<readonly string[]>;
  /** The same for two names of one file. */
  readonly identify: (path: string) => string;
}

export type Found<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** A file with those that it includes. */
export interface PartTree<TSettings = IncludedSettings> extends ReadPart<TSettings> {
  readonly includes: readonly PartTree[];
}

/** From the config itself to the file that is being read. */
type Chain = readonly { readonly name: string; readonly identity: string }[];

export class IncludeReader {
  readonly problems: string[] = [];
  /** Absolute paths of the directories that patterns look into. */
  readonly directories: string[] = [];
  readonly #files: ConfigFiles;
  readonly #env: Environment;
  /** Names of files are relative to it, if they are below. */
  readonly #directory: string;
  /** Which file includes one, by its identity. */
  readonly #includers = new Map<string, string>();

  constructor(files: ConfigFiles, env: Environment, directory: string) {
    this.#files = files;
    this.#env = env;
    this.#directory = directory;
  }

  /** The config itself. @returns `null` if its text isn't an object */
  main<TSettings>(
    text: string,
    path: string,
    schema: v.GenericSchema<unknown, TSettings>,
  ): PartTree<TSettings> | null {
    const name = basename(path);
    const chain = [{ name, identity: this.#files.identify(path) }];
    return this.#part(text, { path, name, includedBy: null }, schema, chain, false);
  }

  /** @param hasScript whether a file around it has a script for all entries */
  #part<TSettings>(
    text: string,
    file: PartFile,
    schema: v.GenericSchema<unknown, TSettings>,
    chain: Chain,
    hasScript: boolean,
  ): PartTree<TSettings> | null {
    const part = readPart(text, file, this.#env, schema, (problem) => this.problems.push(problem));
    if (part === null) return null;
    const patterns = v.safeParse(includeSchema, part.value.include);
    // Otherwise, the problem is reported already.
    const found = patterns.success ? patterns.output : [];
    const isList = Array.isArray(part.value.include);
    const seen = new Set<string>();
    const includes = found.flatMap((pattern, at) => {
      const report = (message: string) =>
        this.problems.push(problemAt(file, part.document, isList ? ['include', at] : ['include'], message));
      return this.#matches(pattern, dirname(file.path), report).flatMap((path) => {
        const identity = this.#files.identify(path);
        if (seen.has(identity)) return [];
        seen.add(identity);
        const inner = this.#include(
          ...([{ path, name: this.#nameOf(path), includedBy: file.name }, identity, chain] as const),
          ...([hasScript || part.value.script !== undefined, report] as const),
        );
        return inner === null ? [] : [inner];
      });
    });
    return { ...part, includes };
  }

  #include(
    file: PartFile & { readonly includedBy: string },
    identity: string,
    chain: Chain,
    hasScript: boolean,
    report: (message: string) => void,
  ): PartTree | null {
    const start = chain.findIndex((link) => link.identity === identity);
    const includer = this.#includers.get(identity);
    if (start >= 0) {
      report(problems.circle([...chain.slice(start).map(({ name }) => name), file.name]));
      return null;
    }
    if (includer !== undefined) {
      report(problems.includedBefore(file.name, includer));
      return null;
    }
    this.#includers.set(identity, file.includedBy);
    const text = this.#files.read(file.path);
    if (!text.ok) {
      report(problems.option(file.name, text.problem));
      return null;
    }
    const next = [...chain, { name: file.name, identity }];
    return this.#part(text.value, file, includedSchema(hasScript), next, hasScript);
  }

  /** The files that a path of `include` means, sorted by name. Only its last part can be a pattern. */
  #matches(pattern: string, directory: string, report: (message: string) => void): string[] {
    const path = resolve(directory, pattern);
    const name = basename(path);
    if (!name.includes('*')) return [path];
    this.directories.push(dirname(path));
    const names = this.#files.list(dirname(path));
    if (!names.ok) {
      report(problems.option(this.#nameOf(dirname(path)), names.problem));
      return [];
    }
    const source = name.replace(/[\\^$.|?+()[\]{}]/g, '\\$&').replace(/\*+/g, '.*');
    const matching = new RegExp(`^${source}$`, 's');
    // As in a shell, `*` doesn't match hidden files.
    const isHidden = (each: string) => each.startsWith('.') && !name.startsWith('.');
    return names.value
      .filter((each) => matching.test(each) && !isHidden(each))
      .toSorted()
      .map((each) => join(dirname(path), each));
  }

  #nameOf(path: string): string {
    const name = relative(this.#directory, path);
    return name === '' || name.startsWith('..') ? path : name;
  }
}
