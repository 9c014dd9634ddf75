// What an operation comes to in the clients graphql-ws and graphql-sse, which are used alike: {answers, errors}. With a `count`
// it is left after so many answers. What is no list of errors is thrown.
export async function iterated(client, { count, ...request }) {
  const answers = [];
  try {
    for await (const answer of client.iterate(request)) {
      answers.push(answer);
      if (answers.length === count) break;
    }
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    return { answers, errors };
  }
  return { answers, errors: null };
}
