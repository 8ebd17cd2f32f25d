/** The fixture's server on standard input and output. */
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { makeServer } from "./server.ts";

serveStdio(makeServer);
