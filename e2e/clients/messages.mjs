// Sends one message through the official Anthropic client for Node.
// Reads {"model","messages"} from standard input; prints {"text", "finish"} or {"error"}.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = createRequire(pathToFileURL(process.env.CLIENT_MODULES + "/package.json"));
const { default: Anthropic } = await import(pathToFileURL(modules.resolve("@anthropic-ai/sdk")));

let input = "";
for await (const piece of process.stdin) input += piece;

const client = new Anthropic({ baseURL: process.env.BASE_URL, apiKey: "sk-e2e", maxRetries: 0 });
try {
  const answer = await client.messages.create({ max_tokens: 64, ...JSON.parse(input) });
  console.log(JSON.stringify({ text: answer.content[0].text, finish: answer.stop_reason }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
