// A fetch that notes what was sent and what came back, as clients see neither.
export const exchanges = [];

export async function recordedFetch(input, init) {
  const request = new Request(input, init);
  const response = await fetch(request);
  exchanges.push({
    method: request.method,
    accept: request.headers.get("accept"),
    status: response.status,
    contentType: response.headers.get("content-type"),
  });
  return response;
}
