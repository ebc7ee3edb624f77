require 'x'
module A
  # doc
  class B < C
    attr_reader :x
    X = [
      1,
      2,
    ].freeze
    def f(a,
          b = 1)
      if a
        x
      elsif b
        y
      else
        z
      end
      case a
      when 1
        x
      else
        y
      end
      foo.each do |x|
        bar(x)
      end
      s = <<~EOS
        text #{a}

        more
      EOS
      begin
        q
      rescue E => e
        r
      ensure
        t
      end
      { a: 1,
        b: 2 }
      x unless y
    rescue => e
      z
    end
    def self.g = 1
    private
    class << self
      def h; end
    end
  end
end
while a do
  b
end
foo(<<A, <<B)
a
A
b
B
