# Answers each event with a greeting.
def handler(event:, context:)
  "hello #{event['name']}"
end
