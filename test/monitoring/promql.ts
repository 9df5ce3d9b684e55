/** Queries in deploy/, and what is wrong with them. Knows only as much of PromQL as they use. */
import { readFileSync } from 'node:fs';
import { JobTotals } from '../../src/engine/statistics/job-totals.ts';
import { type Definition, definitions } from '../../src/monitoring/metrics/definitions.ts';

/** Prometheus adds these to each series. */
const ofTargets = ['job', 'instance'];
const known: Readonly<Record<string, Definition>> = definitions;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

function deployed(name: string): string {
  return readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
}

/** The dashboard's queries as Prometheus gets them, for all jobs and queues. */
export function dashboardQueries(): string[] {
  const { panels, templating } = JSON.parse(deployed('grafana.json')) as {
    panels: readonly Panel[];
    templating: { list: readonly { definition?: string }[] };
  };
  const variables = templating.list.flatMap(
    ({ definition = '' }) => /^label_values\((.*), \w+\)$/.exec(definition)?.[1] ?? [],
  );
  return [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...variables].map(
    (query) =>
      query.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h').replace(/\$\w+/g, '.*'),
  );
}

/** The expressions of the alerts. */
export function alertQueries(): string[] {
  const expressions = deployed('alerts.yml').matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm);
  return [...expressions].map(([, lines, line]) => (lines ?? line ?? '').trim());
}

export function problemsOf(query: string): string[] {
  const found = [...query.matchAll(/\b((?:resque_runner|process)_\w+)(?:\{([^}]*)\})?/g)];
  const problems: string[] = [];
  const labels = new Set(ofTargets);
  for (const [, name = '', matchers = ''] of found) {
    const [, base = name] = /^(.*)_(?:bucket|sum|count)$/.exec(name) ?? [];
    const definition = known[base];
    if (definition === undefined || (base !== name) !== (definition.type === 'histogram')) {
      problems.push(`there is no metric ${name}`);
      continue;
    }
    const own = [...ofTargets, ...(definition.labels ?? []), ...(name.endsWith('_bucket') ? ['le'] : [])];
    for (const label of own) labels.add(label);
    for (const [, label = '', values = ''] of matchers.matchAll(/(\w+)[=!]~?"([^"]*)"/g)) {
      if (!own.includes(label)) problems.push(`${name} has no label ${label}`);
      const outcomes = label === 'outcome' ? values.split('|') : [];
      const unknown = outcomes.filter((outcome) => !Object.hasOwn(new JobTotals().ended, outcome));
      problems.push(...unknown.map((outcome) => `there is no outcome ${outcome}`));
    }
  }
  for (const [, list = ''] of query.matchAll(/\bby \(([^)]*)\)/g)) {
    const foreign = list.split(', ').filter((label) => !labels.has(label));
    problems.push(...foreign.map((label) => `no metric has the label ${label}`));
  }
  const isAboutTargets = /\bup\{/.test(query);
  return found.length === 0 && !isAboutTargets ? ['it has no metric'] : problems;
}
