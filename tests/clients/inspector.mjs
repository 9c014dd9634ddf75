// What changed from one schema to another. Prints [{path, type, criticality}].
import { diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const { before, after } = JSON.parse(process.argv[2]);
const changes = await diff(buildSchema(before), buildSchema(after));
console.log(JSON.stringify(changes.map(({ path, type, criticality }) => ({ path, type, criticality: criticality.level }))));
