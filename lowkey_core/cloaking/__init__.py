"""What cloaks share: the loop that optimises a picture, and the parts that a method is put together
from. An objective, a step rule, views and limits are values: a cloak's file names them."""
