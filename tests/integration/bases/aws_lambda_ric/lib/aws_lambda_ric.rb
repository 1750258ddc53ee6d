# A stand-in for AWS's runtime interface client: the folder that it is started in has the handler's file, _HANDLER is its name, FILE.METHOD or
# FILE.CLASS.METHOD, and the method gets event: and context:.
require 'json'
require 'net/http'
require 'uri'

module AwsLambdaRIC
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :deadline_ms

    def initialize(reply)
      @aws_request_id = reply['Lambda-Runtime-Aws-Request-Id']
      @invoked_function_arn = reply['Lambda-Runtime-Invoked-Function-Arn']
      @deadline_ms = reply['Lambda-Runtime-Deadline-Ms'].to_i
    end

    def function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']

    def get_remaining_time_in_millis
      [@deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
    end
  end

  class Bootstrap
    API = '/2018-06-01/runtime'

    def start
      handler = ENV.fetch('_HANDLER')
      # No proxy stands between.
      @http = Net::HTTP.new(*ENV.fetch('AWS_LAMBDA_RUNTIME_API').split(':'), nil)
      @http.read_timeout = nil
      begin
        target, method = load_handler(handler)
      rescue StandardError, ScriptError => e
        report("#{API}/init/error", 'Runtime.InitError', e)
        exit 1
      end
      loop { answer(target, method) }
    end

    private

    def load_handler(handler)
      file, *names = handler.split('.')
      raise ArgumentError, "invalid handler '#{handler}'" unless [1, 2].include?(names.size)

      $LOAD_PATH.unshift(Dir.pwd)
      require file
      target = names.size == 2 ? Object.const_get(names.first) : self
      raise NameError, "no method '#{names.last}'" unless target.respond_to?(names.last, true)

      [target, names.last]
    end

    def answer(target, method)
      reply = @http.get("#{API}/invocation/next")
      at = "#{API}/invocation/#{reply['Lambda-Runtime-Aws-Request-Id']}"
      ENV['_X_AMZN_TRACE_ID'] = reply['Lambda-Runtime-Trace-Id']
      begin
        result = target.__send__(method, event: JSON.parse(reply.body), context: Context.new(reply)).to_json
      rescue StandardError, ScriptError => e
        return report("#{at}/error", 'Function.HandlerError', e)
      end
      @http.post("#{at}/response", result, 'Content-Type' => 'application/json')
    end

    def report(path, type, error)
      body = { errorMessage: error.message, errorType: error.class.name, stackTrace: error.backtrace }
      warn body.to_json
      @http.post(path, body.to_json, 'Content-Type' => 'application/json', 'Lambda-Runtime-Function-Error-Type' => type)
    end
  end
end
