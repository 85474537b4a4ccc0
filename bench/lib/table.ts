/** One column of a Markdown table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Words to the left, numbers to the right; right when not given. */
  readonly align?: 'left' | 'right';
}

/** A Markdown table, padded so that it reads as well in a terminal. A pipe in a cell is escaped. */
export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row).replaceAll('|', '\\|')));
  const widths = columns.map((column, i) => Math.max(3, column.title.length, ...cells.map((line) => line[i]!.length)));
  const pad = (text: string, i: number) =>
    columns[i]!.align === 'left' ? text.padEnd(widths[i]!) : text.padStart(widths[i]!);
  const line = (texts: readonly string[]) => `| ${texts.map(pad).join(' | ')} |`;
  const rule = columns.map((column, i) =>
    column.align === 'left' ? '-'.repeat(widths[i]!) : `${'-'.repeat(widths[i]! - 1)}:`,
  );
  return `${[line(columns.map((column) => column.title)), `| ${rule.join(' | ')} |`, ...cells.map(line)].join('\n')}\n`;
}

/** A number with so many decimals and a comma between thousands; a dash for NaN, which stands for "not measured". */
export function number(value: number, decimals = 0): string {
  if (Number.isNaN(value)) return '–';
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
