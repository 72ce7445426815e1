import { asText } from './bounded.js';

/** The code of a request with the expressions that the kernel evaluates after it, as the kernel's sensor writes them. */
export function codeOf(content: Record<string, unknown>): string {
  const code = typeof content.code === 'string' ? content.code : asText(content.code ?? '');
  const expressions = content.user_expressions;
  if (typeof expressions !== 'object' || expressions === null) return code;
  const lines = Object.entries(expressions)
    // JavaScript puts names that look like numbers first; by name, both sensors have one order.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, expression]) => `# ${name} = ${asText(expression)}`);
  if (lines.length === 0) return code;
  return [code, '# user_expressions, evaluated by the kernel after the cell:', ...lines].join('\n');
}
