import { describeMachine, type Machine } from '../lib/results.ts';
import { type Column, markdownTable, number } from '../lib/table.ts';
import { type RouteCost, type RouteRun, shapes } from './measure.ts';

/** What a request may cost with many routes, times what it costs with few. */
export const MOST_RATIO = 1.1;

/** What a run found. */
export interface RouteResults {
  readonly machine: Machine;
  readonly run: RouteRun;
  readonly costs: readonly RouteCost[];
}

/** Where many routes cost more than they may. */
export function complaints({ run, costs }: RouteResults): string[] {
  return costs
    .filter(({ ratio }) => !(ratio <= MOST_RATIO))
    .map(
      ({ shape, ratio }) =>
        `${shape}: ${number(run.many)} routes cost ${number(ratio, 2)} times ${number(run.few)}, at most ${MOST_RATIO} expected`,
    );
}

/** The results for people. */
export function routesReport(results: RouteResults): string {
  const { machine, run, costs } = results;
  const columns: Column<RouteCost>[] = [
    { title: 'routes differ by', align: 'left', cell: ({ shape }) => aboutOf(shape) },
    { title: `${number(run.few)} routes`, cell: ({ few }) => `${number(few)} ns` },
    { title: `${number(run.many)} routes`, cell: ({ many }) => `${number(many)} ns` },
    { title: 'ratio', cell: ({ ratio }) => number(ratio, 2) },
    { title: 'each another route', cell: ({ scattered }) => `${number(scattered)} ns` },
    {
      title: 'the router alone',
      cell: ({ router }) => `${number(router.few)}, ${number(router.many)}, ${number(router.scattered)} ns`,
    },
  ];
  const missed = complaints(results).map((line) => `- ${line}\n`);
  return `# Many routes

${describeMachine(machine)} CPU per request for parsing its head, routing it and writing the head for the backend,
sockets left out; medians of ${run.rounds} rounds of ${number(run.requests)} requests. The ratio, taken round by round, compares
requests for ${number(run.few)} routes spread over either file; the goal is at most ${MOST_RATIO}. In the last but one column every request takes another
of 1,000 routes, so that little of what it needs is in the machine's caches.

${markdownTable(columns, costs)}${missed.length === 0 ? '' : `\n${missed.join('')}`}`;
}

function aboutOf(name: string): string {
  return shapes.find((shape) => shape.name === name)?.about ?? name;
}
