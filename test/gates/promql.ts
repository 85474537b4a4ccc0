/** What a PromQL expression asks for: each metric with the labels it is selected by, and the labels it is grouped by. */
export interface Asked {
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  readonly grouped: readonly string[];
}

const text = /"(?:[^"\\]|\\.)*"/g;
const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)/g;
const selector = /\b((?:fairlead|nodejs|process)_\w+|[a-z]+:fairlead_[\w:]+|up|ALERTS)\b(?!\s*\()\s*(?:\{([^{}]*)\})?/g;

/** Reads the names and labels of an expression over the metrics of Fairlead, its process, and what is recorded of them. */
export function asked(expression: string): Asked {
  // What is in quotes is a value: only the fact that it is one matters here.
  const bare = expression.replaceAll(text, '""');
  const grouped = [...bare.matchAll(grouping)].flatMap(([, list]) => labelsIn(list!));
  const metrics = [...bare.replaceAll(grouping, ' ').matchAll(selector)].map(([, name, matchers = '']) => ({
    name: name!,
    labels: labelsIn(matchers),
  }));
  return { metrics, grouped };
}

function labelsIn(list: string): string[] {
  return [...list.matchAll(/(\w+)\s*(?:=|!=|=~|!~|,|$)/g)].map(([, label]) => label!);
}

/** The labels that a legend or a template writes out. */
export function labelsWritten(template: string): string[] {
  return [...template.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]\w*)\s*\}\}/g)].map(([, label]) => label!);
}
