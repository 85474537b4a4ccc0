import type { Explanation } from '../admin/explain-schema.ts';
import { formatPercent } from '../support/percent.ts';
import type { Paint } from './colour.ts';

type Step = Explanation['steps'][number];

/** Routes before the one that matched are all told of; of those behind it, only how many there are. */
const outcomeMarks: Readonly<Record<Step['outcome'], string>> = {
  matched: '→',
  failed: '✗',
  undecided: '?',
  'not-reached': ' ',
};

/** An explanation for people. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { outcome, summary, listener, backendHead, changes, settings, notes } = explanation;
  const colour = outcome === 'matched' ? paint.green : paint.red;
  const sections = [
    colour(summary),
    section(paint, 'listeners', listenerLines(explanation, paint)),
    section(paint, `routes of ${listener}`, routeLines(explanation, paint)),
    section(paint, 'goes to', poolLines(explanation)),
    section(paint, 'changes', changes.map(indented)),
    section(paint, 'the backend gets', (backendHead ?? '').split('\n').filter(Boolean).map(indented)),
    section(paint, 'also', settings.map(indented)),
    section(paint, 'note', notes.map(indented)),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function section(paint: Paint, title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${paint.bold(title)}\n${lines.join('\n')}`;
}

function indented(line: string): string {
  return `  ${line}`;
}

function listenerLines({ listeners }: Explanation, paint: Paint): string[] {
  const width = Math.max(0, ...listeners.map(({ name }) => name.length));
  return listeners.map(({ name, protocol, bind, taken, reason }) => {
    const line = `${taken ? '→' : '✗'} ${name.padEnd(width)}  ${protocol.padEnd(4)} ${bind.join(', ')}: ${reason}`;
    return indented(taken ? paint.green(line) : line);
  });
}

function routeLines({ steps }: Explanation, paint: Paint): string[] {
  const told = steps.filter(({ outcome }) => outcome !== 'not-reached');
  const left = steps.length - told.length;
  const width = Math.max(0, ...told.map(({ name }) => name.length));
  const lines = told.flatMap((step) => {
    const head = `${outcomeMarks[step.outcome]} ${step.name.padEnd(width)}  `;
    if (step.outcome === 'matched') return [indented(paint.green(`${head}matches`))];
    if (step.outcome === 'undecided') return [indented(paint.yellow(`${head}cannot be told`))];
    const [first = '', ...rest] = step.failures.map(
      ({ condition, expected, got }) => `${condition}: wants ${expected}, got ${got}`,
    );
    return [indented(head + first), ...rest.map((failure) => indented(' '.repeat(head.length) + failure))];
  });
  return left === 0 ? lines : [...lines, indented(paint.dim(`  ${left} more, not reached`))];
}

function poolLines({ action, ...determined }: Explanation): string[] {
  if (action === null) return [];
  if (action.kind === 'redirect') return [indented(`${action.status}, Location: ${action.location}`)];
  if (action.kind === 'respond') return [indented(`${action.status}, ${JSON.stringify(action.body)}`)];
  return action.pools.flatMap(({ pool, share, algorithm, key, backends }) => {
    const chosen = (id: string): boolean => pool === determined.pool && id === determined.backend;
    const part = share === 1 ? '' : `, ${formatPercent(Number(share.toFixed(4)))} of the requests`;
    const by = key === null ? algorithm : `${algorithm} of ${JSON.stringify(key)}`;
    const rows = backends.map(({ id, address, weight, backup }) => {
      const named = id === address ? '' : `, ${address}`;
      return indented(`${chosen(id) ? '→' : ' '} ${id}${named}, weight ${weight}${backup ? ', backup' : ''}`);
    });
    return [indented(`pool ${pool}: ${by}${part}`), ...rows];
  });
}
