/** Header fields as they are typed, one a line, by their names; what has no colon is a field without a value. */
export function readHeaders(text: string): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (const line of text.split('\n').filter((typed) => typed.trim() !== '')) {
    const colon = line.indexOf(':');
    const name = (colon < 0 ? line : line.slice(0, colon)).trim();
    const values = fields[name] ?? [];
    values.push(colon < 0 ? '' : line.slice(colon + 1).trim());
    fields[name] = values;
  }
  return fields;
}
