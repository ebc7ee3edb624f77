// Runs a script through the official OpenAI or Anthropic client for Node, the way a user's program does. Reads [{"op", "body"}...] from
// standard input; prints, for each step, what the client made of the answer: {"whole"}, {"events"} with an {"error"} behind them, or
// {"error", "status"}. The first argument names the SDK.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = createRequire(pathToFileURL(process.env.CLIENT_MODULES + "/package.json"));
const load = async (name) => (await import(pathToFileURL(modules.resolve(name)))).default;

const settings = { baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 };

async function operations(sdk) {
  if (sdk === "openai") {
    const client = new (await load("openai"))(settings);
    return { chat: (body) => client.chat.completions.create(body), models: () => client.get("/models") };
  }
  const client = new (await load("@anthropic-ai/sdk"))(settings);
  return { messages: (body) => client.messages.create(body), count: (body) => client.messages.countTokens(body) };
}

async function run(operation, body) {
  const seen = {};
  try {
    const answer = await operation(body);
    if (!body?.stream) return { whole: answer };
    seen.events = [];
    for await (const event of answer) seen.events.push(event);
  } catch (error) {
    seen.error = error.constructor.name;
    seen.status = error.status ?? 0;
  }
  return seen;
}

let input = "";
for await (const piece of process.stdin) input += piece;
const known = await operations(process.argv[2]);
const out = [];
for (const { op, body } of JSON.parse(input)) out.push(await run(known[op], body));
console.log(JSON.stringify(out));
