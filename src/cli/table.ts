import { plain } from './plain.ts';

/** A column: its title, and whether its texts end at the same place, as numbers do. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Lines of a table, its titles first, with plain texts; the last column is not filled up. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map(({ title }) => title), ...rows.map((row) => row.map(plain))];
  const widths = columns.map((_, n) => Math.max(...all.map((row) => (row[n] ?? '').length)));
  return all.map((row) =>
    columns
      .map(({ right }, n) => (right ? (row[n] ?? '').padStart(widths[n]!) : (row[n] ?? '').padEnd(widths[n]!)))
      .join('  ')
      .trimEnd(),
  );
}
