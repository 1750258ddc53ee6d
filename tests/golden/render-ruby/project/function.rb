# Answers each event with a greeting, in colour by a dependency.
require 'rainbow'

def handler(event:, context:)
  Rainbow.enabled = true
  Rainbow("hello #{event['name']}").green
end
