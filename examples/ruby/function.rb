# Reads a message in Thrift's binary protocol, with native code, and writes it as a text with Mustache, which is pure Ruby.
require 'mustache'
require 'thrift'

class Order
  include Thrift::Struct_Union
  include Thrift::Struct

  FIELDS = { 1 => { type: Thrift::Types::STRING, name: 'item' }, 2 => { type: Thrift::Types::I32, name: 'count' } }.freeze

  def struct_fields = FIELDS

  def validate; end

  Thrift::Struct.generate_accessors(self)
end

def handler(event:, context:)
  message = Thrift::MemoryBufferTransport.new(event['message'].unpack1('m'))
  order = Order.new
  order.read(Thrift::BinaryProtocolAccelerated.new(message))
  { text: Mustache.render(event['template'], item: order.item, count: order.count), for: context.function_name }
end
